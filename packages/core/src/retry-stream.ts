/** How long a client should wait before it opens a stream again that could not be opened now, ms. */
const retryMs = 1_000

/**
 * retryStream is the whole event stream that a client gets which had one before and cannot have one now: EventSource opens it again after
 * `retry`, but gives up for good after an error (HTML, server-sent events §9.2.2).
 */
export const retryStream = `retry: ${retryMs}\n\n`

/**
 * retryStreamAt is that of a client of Streamable HTTP which came back for the rest of a stream, behind this event: official clients (SDK v1 and
 * v2) forget where they were unless the stream names it again, and wait for ever for what it had to bring. `lastEventId` must be one line.
 */
export const retryStreamAt = (lastEventId: string): string =>
  `id: ${lastEventId}\nretry: ${retryMs}\ndata: \n\n`
