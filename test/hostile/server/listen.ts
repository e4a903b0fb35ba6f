import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { bytesOf, perform } from './act.js'
import { askedBy, askedWithoutBody, randomOf, stepIn } from './asked.js'
import type { Asked } from './asked.js'
import { outputOf } from './output.js'
import { readRequests } from './requests.js'
import type { Read } from './requests.js'
import { oddResponse, soundResponse } from './response.js'
import { soundAnswer } from './sound.js'
import type { Way } from './sound.js'
import { openStream, postToStream } from './stream.js'

/** ListenSpec: `tls` is the folder with `key.pem` and `certificate.pem`. */
export interface ListenSpec {
  readonly seed: number
  readonly way: Way
  readonly tls: string | undefined
}

/** listen serves Streamable HTTP at /mcp, HTTP+SSE at /sse, and both at /first/<step>/…, where every answer is odd. */
export const listen = (spec: ListenSpec): Server => {
  const { tls } = spec
  const onConnection = (socket: Socket): void => {
    socket.setNoDelay(true)
    readRequests(socket, (request) => answer(spec, socket, request))
  }
  if (tls === undefined) return createServer(onConnection).listen(0, '127.0.0.1')
  const pem = (name: string): Buffer => readFileSync(`${tls}/${name}.pem`)
  const server = createTlsServer({ key: pem('key'), cert: pem('certificate') }, onConnection)
  return server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1')
}

const answer = async (spec: ListenSpec, socket: Socket, request: Read): Promise<void> => {
  const { method, path, body, headers } = request
  const given = stepOfPath(path)
  if (method === 'GET' && path.endsWith('/sse')) return openStream(spec, socket, given)
  const asked = method === 'POST' ? askedBy(body, given) : withoutBody(method, headers)
  if (method !== 'POST' && asked.step === undefined) return refuseStream(socket, method)
  const random = randomOf(spec.seed, asked)
  if (path.includes('/messages')) return postToStream(spec, socket, request, asked)
  const sound = soundOf(spec.way, asked)
  const opened: [string, string][] =
    asked.method === 'initialize' ? [['Mcp-Session-Id', sessionFor(asked)]] : []
  const response = { random, asked, sound, headers: opened }
  if (asked.ms > 0) await wait(asked.ms)
  const isOdd = asked.step !== undefined && !isOpeningForGet(asked)
  await perform((isOdd ? oddResponse : soundResponse)(response), outputOf(socket))
}

/** refuseStream: this server offers no stream of its own, and lets every session be ended. */
const refuseStream = (socket: Socket, method: string): Promise<void> => {
  const status = method === 'GET' ? '405 Method Not Allowed' : '200 OK'
  const bytes = bytesOf(`HTTP/1.1 ${status}\r\nAllow: POST\r\nContent-Length: 0\r\n\r\n`)
  return perform([{ kind: 'write', bytes }], outputOf(socket))
}

const stepOfPath = (path: string): number | undefined => {
  const step = /^\/first\/(\d+)\//.exec(path)?.[1]
  return step === undefined ? undefined : Number(step)
}

const soundOf = (way: Way, asked: Asked): string | undefined =>
  // An answer of the client's own, to a question of an odd server, is taken like a notification.
  asked.method === 'none' ? undefined : soundAnswer(asked, way)

/** A session that was opened for it gets odd answers to GET and DELETE. */
const isOpeningForGet = ({ method, isForGet }: Asked): boolean =>
  method === 'initialize' && isForGet

let sessions = 0
const sessionFor = (asked: Asked): string =>
  isOpeningForGet(asked) ? `get-${asked.mark}-${++sessions}` : `session-${++sessions}`

const withoutBody = (method: string, headers: Read['headers']): Asked => {
  const step = stepIn(headers['mcp-session-id'] ?? '')
  return step === undefined ? askedBy('{}') : askedWithoutBody(method, step)
}
