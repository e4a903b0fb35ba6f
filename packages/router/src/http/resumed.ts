/** Resumed is a request of 2026-07-28 whose client came back for the answer by GET. */
export interface Resumed {
  /** Its `Mcp-Param-*` headers, a flat list of names and values. */
  readonly params: readonly string[]
  /** X-Request-Id of the request that brought it. */
  readonly requestId: string
  /** When it came, ms since the epoch. */
  readonly at: number
  /** How often it was sent again for a client that came back. */
  readonly repeats: number
}
