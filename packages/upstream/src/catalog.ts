import { isRecord, scanParamHeaders, wrapsOutput } from '@mcp-router/protocol'
import type { Json, ParamDeclaration } from '@mcp-router/protocol'

/** ToolCatalogEntry is what a call needs to know of the tool before it is sent, and of its result after. */
export interface ToolCatalogEntry {
  readonly declarations: readonly ParamDeclaration[]
  /** Its results are wrapped for legacy clients. */
  readonly wraps: boolean
  /** It says of itself that it changes nothing, or the same again (tool annotations). */
  readonly isRetrySafe: boolean
}

/** ToolList is the tools of one server, as it listed them. */
export interface ToolList {
  find(name: string): ToolCatalogEntry | undefined
}

/** ListPage asks for one page: the result of `tools/list`. */
export type ListPage = (cursor: string | undefined) => Promise<Json>

/** ToolCatalog remembers what servers list, so that a call does not list again. */
export interface ToolCatalog {
  /** Callers that come while a list is under way share it, and its failure; the next one tries again. A list of before stands in for one that fails. */
  tools(key: string, list: ListPage): Promise<ToolList>
  /** What is remembered, for those who do not wait. */
  known(key: string): ToolList | undefined
  /** For when the server says that its tools have changed. */
  forget(key: string): void
}

interface Listing {
  readonly list: Promise<ToolList>
  tools: ToolList | undefined
  /** Counted from the answer, ms since the epoch. */
  expiresAt: number
}

/** So long after it expired, a list stands in for one that cannot be had, ms. */
const keptMs = 10 * 60_000
/** When a server that could not list its tools is asked again, ms. */
const againMs = 2_000

export const createToolCatalog = ({ ttlMs }: { readonly ttlMs: number }): ToolCatalog => {
  const listings = new Map<string, Listing>()

  const drop = (key: string, listing: Listing): void => {
    if (listings.get(key) === listing) listings.delete(key)
  }

  const open = (key: string, list: ListPage): Listing => {
    for (const [other, { expiresAt }] of listings) {
      if (expiresAt + keptMs <= Date.now()) listings.delete(other)
    }
    // While it is listed anew, and where that fails, what was listed before is good enough.
    const before = listings.get(key)?.tools
    const listed = readPages(list)
    const listing: Listing = {
      list: listed.catch((error: unknown) => {
        if (before) return before
        throw error
      }),
      tools: before,
      expiresAt: Infinity,
    }
    listings.set(key, listing)
    listed.then(
      (tools) => {
        listing.tools = tools
        listing.expiresAt = Date.now() + ttlMs
      },
      () => {
        listing.expiresAt = Date.now() + againMs
        if (!before) drop(key, listing)
      },
    )
    return listing
  }

  return {
    tools(key, list) {
      const known = listings.get(key)
      const isFresh = known && known.expiresAt > Date.now()
      return (isFresh ? known : open(key, list)).list
    },
    known(key) {
      const listing = listings.get(key)
      return listing && listing.expiresAt > Date.now() ? listing.tools : undefined
    },
    forget: (key) => void listings.delete(key),
  }
}

/** A server that never stops naming a next page is believed so far and no further. */
const maxPages = 50

const readPages = async (list: ListPage): Promise<ToolList> => {
  const found = new Map<string, ToolCatalogEntry>()
  let cursor: string | undefined
  for (let page = 0; page < maxPages; page++) {
    const { tools, nextCursor } = await list(cursor)
    for (const tool of Array.isArray(tools) ? (tools as readonly unknown[]) : []) add(found, tool)
    if (typeof nextCursor !== 'string' || nextCursor === '') break
    cursor = nextCursor
  }
  return { find: (name) => found.get(name) }
}

const add = (found: Map<string, ToolCatalogEntry>, tool: unknown): void => {
  if (!isRecord(tool) || typeof tool.name !== 'string') return
  const { declarations } = scanParamHeaders(tool.inputSchema)
  const { annotations } = tool
  const isRetrySafe =
    isRecord(annotations) &&
    (annotations['readOnlyHint'] === true || annotations['idempotentHint'] === true)
  found.set(tool.name, { declarations, wraps: wrapsOutput(tool), isRetrySafe })
}
