import type { Backend, BackendName } from '@mcp-router/core'
import {
  isRecord,
  MalformedMessage,
  paramsOf,
  resultOf,
  scanParamHeaders,
  wrapsOutput,
} from '@mcp-router/protocol'
import type { Json, Message, ParamDeclaration } from '@mcp-router/protocol'
import { backendKey } from './era/endpoint-key.js'
import { readPages } from './pages.js'
import type { ListPage } from './pages.js'

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

/** ToolCatalog remembers what servers list, so that a call does not list again. What other credentials, or another address, were shown does not count. */
export interface ToolCatalog {
  /**
   * Callers that come while a list is under way share it, and its failure; the next one tries again. A list of before stands in for one that
   * fails. It settles within two seconds; for a server that was silent for so long nobody waits again until it answers.
   */
  tools(backend: Backend, list: ListPage): Promise<ToolList>
  /** What is remembered, for those who do not wait. */
  known(backend: Backend): ToolList | undefined
  /** note fills it with a page that a client asked for; pages count once the last of them is known. */
  note(backend: Backend, cursor: string | undefined, page: Json): void
  /** For when the server says that its tools have changed. */
  forget(backend: BackendName): void
}

interface Partial {
  readonly found: Map<string, ToolCatalogEntry>
  next: string
}

interface Listing {
  readonly backend: BackendName
  list: Promise<ToolList>
  tools: ToolList | undefined
  /** Counted from the answer, ms since the epoch. */
  expiresAt: number
  /** The server did not answer in time. */
  isSilent: boolean
}

interface Options {
  readonly ttlMs: number
  /** Comes once for each server whose cursor never advances. */
  readonly onRepeat?: (backend: BackendName) => void
}

/** So long after it expired, a list stands in for one that cannot be had, ms. */
const keptMs = 10 * 60_000
/** More are no list that anybody reads to its end. */
const maxTools = 10_000
/** When a server that could not list its tools is asked again, ms. */
const againMs = 2_000
/** How long a call waits for what the router asks itself, ms. */
const patienceMs = 2_000
/** When a server that was silent is asked again, ms. */
const silentMs = 30_000

export const createToolCatalog = ({ ttlMs, onRepeat }: Options): ToolCatalog => {
  const listings = new Map<string, Listing>()
  /** Lists that a client is reading page by page. */
  const partial = new Map<string, Partial>()
  const repeating = new Set<string>()

  const read = async (backend: BackendName, list: ListPage): Promise<ToolList> => {
    const found = new Map<string, ToolCatalogEntry>()
    const repeats = await readPages(list, (page) => addPage(found, page))
    if (repeats && !repeating.has(backend)) {
      repeating.add(backend)
      onRepeat?.(backend)
    }
    return { find: (name) => found.get(name) }
  }

  const drop = (key: string, listing: Listing): void => {
    if (listings.get(key) === listing) listings.delete(key)
  }

  const open = (backend: BackendName, key: string, list: ListPage): Listing => {
    for (const [other, { expiresAt }] of listings) {
      if (expiresAt + keptMs <= Date.now()) listings.delete(other)
    }
    // While it is listed anew, and where that fails, what was listed before is good enough.
    const known = listings.get(key)
    const before = known?.tools
    const startedAt = performance.now()
    const listed = read(backend, list)
    const listing: Listing = {
      backend,
      list: inTime(listed, () => (listing.isSilent = true)).catch((error: unknown) => {
        if (before) return before
        throw error
      }),
      tools: before,
      expiresAt: Infinity,
      isSilent: known?.isSilent ?? false,
    }
    // One that nobody waits for fails unseen.
    listing.list.catch(() => undefined)
    listings.set(key, listing)
    listed.then(
      (tools) => {
        listing.tools = tools
        // It may have come too late for whoever waited.
        listing.list = Promise.resolve(tools)
        listing.expiresAt = Date.now() + ttlMs
        listing.isSilent = false
      },
      () => {
        listing.isSilent = performance.now() - startedAt >= patienceMs
        listing.expiresAt = Date.now() + (listing.isSilent ? silentMs : againMs)
        if (!before && !listing.isSilent) drop(key, listing)
      },
    )
    return listing
  }

  return {
    tools(backend, list) {
      const key = backendKey(backend)
      const known = listings.get(key)
      const isFresh = known && known.expiresAt > Date.now()
      const listing = isFresh ? known : open(backend.name, key, list)
      if (!listing.isSilent) return listing.list
      return listing.tools ? Promise.resolve(listing.tools) : Promise.reject(notInTime())
    },
    known(backend) {
      const listing = listings.get(backendKey(backend))
      return listing && listing.expiresAt > Date.now() ? listing.tools : undefined
    },
    note(backend, cursor, page) {
      if (!Array.isArray(page['tools'])) return
      const key = backendKey(backend)
      const part =
        cursor === undefined
          ? { found: new Map<string, ToolCatalogEntry>(), next: '' }
          : partial.get(key)
      // Two clients may read at once: then the first pages of one are all that counts.
      if (!part || (cursor !== undefined && part.next !== cursor)) return
      addPage(part.found, page)
      const { nextCursor } = page
      const isLast = typeof nextCursor !== 'string' || nextCursor === '' || nextCursor === cursor
      if (!isLast && part.found.size < maxTools) {
        part.next = nextCursor
        partial.set(key, part)
        return
      }
      partial.delete(key)
      if (!isLast) return
      const tools: ToolList = { find: (name) => part.found.get(name) }
      const expiresAt = Date.now() + ttlMs
      const list = Promise.resolve(tools)
      listings.set(key, { backend: backend.name, list, tools, expiresAt, isSilent: false })
    },
    forget(backend) {
      for (const [key, listing] of listings) if (listing.backend === backend) listings.delete(key)
      partial.clear()
    },
  }
}

const notInTime = (): Error => new Error('tools/list was not answered in time')

/** inTime rejects where there is no answer within the patience of a call. */
const inTime = (listed: Promise<ToolList>, onSilent: () => void): Promise<ToolList> =>
  new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      onSilent()
      reject(notInTime())
    }, patienceMs)
    late.unref()
    listed.then(resolve, reject).finally(() => clearTimeout(late))
  })

/** A list of tools that is longer is not read, bytes. */
const longestList = 8 * 1024 * 1024

/** noteList fills the catalog with the answer to a `tools/list`, if that is what it is. */
export const noteList = (
  catalog: Pick<ToolCatalog, 'note'>,
  backend: Backend,
  request: Message,
  response: Message,
): void => {
  if (response.bytes.length > longestList) return
  try {
    const cursor = paramsOf(request)?.['cursor']
    const page = resultOf(response)
    if (page) catalog.note(backend, typeof cursor === 'string' ? cursor : undefined, page)
  } catch (error) {
    // Whoever asked finds out what is wrong with it.
    if (!(error instanceof MalformedMessage)) throw error
  }
}

const addPage = (found: Map<string, ToolCatalogEntry>, { tools }: Json): void => {
  for (const tool of Array.isArray(tools) ? (tools as readonly unknown[]) : []) add(found, tool)
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
