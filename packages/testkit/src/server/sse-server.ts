import type { ServerResponse } from 'node:http'
import { beginEvents, frame, openHttp } from './http.js'
import type { Asked } from './http.js'

type Json = Record<string, unknown>

export interface SseServer {
  readonly url: string
  /** Streams that were opened so far. */
  opened(): number
  /** Requests that came while it was down. */
  refused(): number
  /** The requests so far, `GET /sse`. */
  asked(): readonly string[]
  /** The methods of the requests that it has executed, also of those that it answered 404. */
  ran(): readonly string[]
  /** Ends all connections, and takes no more until `up`. */
  down(): void
  up(): void
  /** Knows no session any more, though their streams stay open, and opens none until `up`. */
  forget(): void
  /** From now on the stream of a client of this name ends once its handshake is done, and what came with that is accepted a moment later. */
  shorten(name: string): void
  /** Ends all connections; from now on another server answers there, or this one again. */
  become(server?: (asked: Asked) => void): void
}

/**
 * openSseServer is an HTTP+SSE server of 2024-11-05: each stream is a session; requests are answered with their params, but for `hang`;
 * with `deny` among them one is executed all the same and its POST is answered 404; its result comes when its id does again.
 */
export const openSseServer = async (capabilities: object = {}): Promise<SseServer> => {
  const streams = new Map<string, ServerResponse>()
  let opened = 0
  let refused = 0
  let isUp = true
  let isOpen = true
  /** As a handshake has it. */
  let shortened = '"name":""'
  const short = new WeakSet<ServerResponse>()
  let other: ((asked: Asked) => void) | undefined
  const ran: string[] = []
  const denied: Json[] = []
  const server = await openHttp((asked) => {
    const { method, path, message, res } = asked
    if (!isUp || (!isOpen && method === 'GET')) {
      refused++
      res.destroy()
    } else if (other) other(asked)
    else if (method === 'GET') {
      const id = String(++opened)
      streams.set(id, res)
      res.on('close', () => streams.delete(id))
      beginEvents(asked)
      res.write(`event: endpoint\ndata: /message?id=${id}\n\n`)
    } else
      take(asked, message, streams.get(String(new URL(path, 'http://x').searchParams.get('id'))))
  })
  const take = (
    { text, res }: Asked,
    { id, method, params }: Asked['message'],
    stream: ServerResponse | undefined,
  ): void => {
    const isDenied = params?.['deny'] === true
    if (stream && text.includes(shortened)) short.add(stream)
    const accept = (): void => void res.writeHead(stream && !isDenied ? 202 : 404).end()
    if (stream && method === 'notifications/initialized' && short.has(stream)) {
      stream.end()
      setTimeout(accept, 50)
    } else accept()
    if (stream && id !== undefined) ran.push(String(method))
    if (isDenied) denied.push({ id, result: params })
    if (id === undefined || method === 'hang' || isDenied) return
    const serverInfo = { name: 'sse', version: '1' }
    const opening = { protocolVersion: '2024-11-05', capabilities, serverInfo }
    const result = method === 'initialize' ? opening : (params ?? {})
    const late = denied.filter((each) => each['id'] === id)
    for (const each of [...late, { id, result }])
      stream?.write(`event: message\n${frame({ jsonrpc: '2.0', ...each })}`)
  }
  return {
    url: `${server.origin}/sse`,
    opened: () => opened,
    refused: () => refused,
    down() {
      isUp = false
      server.cut()
    },
    up() {
      isUp = isOpen = true
    },
    asked: () => server.asked.map(({ method, path }) => `${method} ${path.replace(/\?.*/, '')}`),
    ran: () => ran,
    forget() {
      isOpen = false
      streams.clear()
    },
    shorten(name) {
      shortened = `"name":"${name}"`
    },
    become(another) {
      other = another
      server.cut()
    },
  }
}
