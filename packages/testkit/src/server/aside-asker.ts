import type { ServerResponse } from 'node:http'
import { askedId } from '../client/asked-id.js'
import { openEndpoint } from './endpoint.js'

const eventStream = { 'content-type': 'text/event-stream' }

/** question is what an asker asks its client. */
export const question = (id: string) => ({ jsonrpc: '2.0', id, method: 'roots/list' })

/** asked is that as the client gets it. */
export const asked = (id: string): object => ({ ...question(id), id: askedId(id) })

/** openAsideAsker is a server that allows one stream of a session, speaks on that of the last session that had a call, and answers `ask` once its question has been, in JSON. With ids, it resumes. It notices the end of a stream some time later, or takes another one for it, and none again when that ends. `busy` is how it refuses a second one. */
export const openAsideAsker = async ({
  isNumbered = false,
  noticesAfterMs = 0,
  takesNewest = false,
  busy = 409,
} = {}) => {
  const streams = new Map<string, ServerResponse>()
  let session = ''
  const said: object[] = []
  const calls = new Map<unknown, ServerResponse>()
  let received = 0
  const write = (to: ServerResponse | undefined, n: number): void => {
    const id = isNumbered ? `id: e-${n}\n` : ''
    to?.write(`${id}data: ${JSON.stringify(said[n])}\n\n`)
  }
  const say = (message: object): void =>
    write(streams.get(session) ?? [...streams.values()].at(-1), said.push(message) - 1)
  const endpoint = await openEndpoint(({ method, headers, message, res }) => {
    const of = String(headers['mcp-session-id'])
    if (method === 'GET') {
      if (streams.has(of) && !takesNewest) {
        res.writeHead(busy).end()
        return
      }
      streams.set(of, res)
      res.on('close', () => setTimeout(() => streams.delete(of), noticesAfterMs))
      res.writeHead(200, eventStream).flushHeaders()
      const last = headers['last-event-id']
      const from = typeof last === 'string' ? Number(last.slice(2)) + 1 : said.length
      for (let n = from; n < said.length; n++) write(res, n)
    } else if (message.method === 'ask') {
      calls.set(message.id, res)
      session = of
      say(question(`q-${String(message.id)}`))
    } else if (message.id === 0) {
      res.writeHead(200, { 'content-type': 'application/json' })
      res.end('{"jsonrpc":"2.0","id":0,"result":{"tools":[]}}')
    } else {
      received++
      res.writeHead(202).end()
    }
  })
  const answer = (id: unknown): void => {
    const res = calls.get(id)
    res?.writeHead(200, { 'content-type': 'application/json' })
    res?.end(JSON.stringify({ jsonrpc: '2.0', id, result: { n: id } }))
  }
  return { endpoint, say, answer, isHeld: () => streams.size > 0, received: () => received }
}
