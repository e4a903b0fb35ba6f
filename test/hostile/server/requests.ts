import type { Socket } from 'node:net'

/** Read is one request, whole. */
export interface Read {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** readRequests hands over the requests of a connection one after the other; a request sent before the last is answered waits. */
export const readRequests = (socket: Socket, answer: (request: Read) => Promise<void>): void => {
  let bytes = Buffer.alloc(0)
  let busy = false
  const next = async (): Promise<void> => {
    if (busy) return
    busy = true
    for (let found = take(bytes); found && !socket.destroyed; found = take(bytes)) {
      bytes = Buffer.from(bytes.subarray(found.size))
      await answer(found.request)
    }
    busy = false
  }
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk])
    void next()
  })
  // Whoever asked is gone.
  socket.on('error', () => socket.destroy())
}

const take = (bytes: Buffer): { readonly request: Read; readonly size: number } | undefined => {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const [first = '', ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n')
  const [method = '', path = ''] = first.split(' ')
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const start = headEnd + 4
  if (headers['transfer-encoding'] === 'chunked') {
    const chunked = takeChunks(bytes, start)
    return chunked && { request: { method, path, headers, body: chunked.body }, size: chunked.end }
  }
  const size = start + Number(headers['content-length'] ?? 0)
  if (bytes.length < size) return undefined
  const body = bytes.subarray(start, size).toString()
  return { request: { method, path, headers, body }, size }
}

const takeChunks = (
  bytes: Buffer,
  start: number,
): { readonly body: string; readonly end: number } | undefined => {
  const parts: Buffer[] = []
  for (let at = start; ;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const size = parseInt(bytes.subarray(at, lineEnd).toString('latin1'), 16)
    const next = lineEnd + 2 + size + 2
    if (bytes.length < next) return undefined
    if (size === 0) return { body: Buffer.concat(parts).toString(), end: next }
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = next
  }
}
