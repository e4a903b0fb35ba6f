import type { Message } from '@mcp-router/protocol'
import type { Registry } from '@mcp-router/store'
import { noteList } from '@mcp-router/upstream'
import type { ToolCatalog } from '@mcp-router/upstream'

/** ToolsDeps is where lists of tools are remembered. */
export interface ToolsDeps {
  readonly registry: Pick<Registry, 'snapshot'>
  readonly catalog: Pick<ToolCatalog, 'known' | 'note'>
}

/**
 * noteTools fills the catalog with the answer to a `tools/list` that passes by, where its Backend's tools are not known: the router need not ask
 * for them itself. The answer to anything else costs nothing.
 */
export const noteTools = (
  { registry, catalog }: ToolsDeps,
  backend: string,
  request: Message | undefined,
  response: Message,
): void => {
  if (request?.method !== 'tools/list') return
  const found = [...registry.snapshot().backends.values()].find(({ name }) => name === backend)
  if (found && !catalog.known(found)) noteList(catalog, found, request, response)
}
