type Json = Readonly<Record<string, unknown>>

/** ListPage asks for one page of a list. */
export type ListPage = (cursor: string | undefined) => Promise<Json | undefined>

/** A server that never stops naming a next page is believed so far and no further. */
const maxPages = 50

/**
 * readPages hands each page of a list to `take`. It stops at the first cursor that comes again, and resolves with whether it did: such a
 * server would name the same pages for ever.
 */
export const readPages = async (list: ListPage, take: (page: Json) => void): Promise<boolean> => {
  const seen = new Set<string>()
  let cursor: string | undefined
  while (seen.size < maxPages) {
    const page = await list(cursor)
    if (page) take(page)
    const next = page?.['nextCursor']
    if (typeof next !== 'string' || next === '') return false
    if (seen.has(next)) return true
    seen.add(next)
    cursor = next
  }
  return false
}
