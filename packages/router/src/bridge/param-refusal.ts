import type { Backend } from '@mcp-router/core'
import { checkDeclaredParams, headerValuesOf } from '@mcp-router/protocol'
import type { ModernClaim, Refusal } from '@mcp-router/protocol'
import type { Context } from '../context.js'
import type { Incoming } from '../http/incoming.js'

type ListTools = (cursor: string | undefined) => Promise<Readonly<Record<string, unknown>>>

/**
 * paramRefusal holds the `Mcp-Param-*` headers of a `tools/call` against its arguments, for servers that do not get them: those with sessions,
 * and commands. Where the tools cannot be listed nothing is known of headers.
 */
export const paramRefusal = async (
  { deps }: Context,
  { rawHeaders }: Incoming,
  { backend, claim }: { readonly backend: Backend; readonly claim: ModernClaim },
  list: ListTools,
): Promise<Refusal | undefined> => {
  const tools =
    deps.catalog.known(backend) ?? (await deps.catalog.tools(backend, list).catch(() => undefined))
  const tool = tools?.find(String(claim.params['name']))
  if (!tool || tool.declarations.length === 0) return undefined
  const headers = headerValuesOf(rawHeaders)
  return checkDeclaredParams(tool.declarations, claim.params['arguments'], headers)
}
