import { reasonOf } from '@mcp-router/core'
import { databaseProblem } from '@mcp-router/store'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { complain } from './terminal.js'

/** RedisAnswer is the value of the last command, or why there is none. */
export type RedisAnswer = { readonly value: string | number | null } | { readonly failed: string }

/**
 * askRedis asks one Redis one command whose answer is a line or a number, and leaves. It is for
 * `PING` and `PTTL` from the outside, to see what an operator would see; the product itself goes
 * through `store`.
 */
export const askRedis = (
  url: string,
  command: readonly string[],
  timeoutMs = 2_000,
): Promise<RedisAnswer> =>
  new Promise((resolve) => {
    const commands = [...preamble(url), command]
    const socket = dial(url)
    let received = ''
    const finish = (answer: RedisAnswer): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(timeoutMs, () => finish({ failed: 'no answer in time' }))
    socket.once('error', (error) => finish({ failed: reasonOf(error) }))
    socket.once('close', () => finish({ failed: 'connection closed' }))
    socket.on('data', (bytes) => {
      received += bytes.toString()
      const lines = received.split('\r\n').slice(0, -1)
      const at = lines.findIndex((line) => line.startsWith('-'))
      if (at >= 0) finish({ failed: refusalOf(commands[at] ?? [], lines[at] ?? '') })
      else if (lines.length >= commands.length) finish({ value: valueOf(lines.at(-1) ?? '') })
    })
    socket.write(commands.map(encoded).join(''))
  })

const refusalOf = ([name = '', operand = '']: readonly string[], line: string): string =>
  name === 'SELECT' ? databaseProblem(operand, line.slice(1)) : line.slice(1)

/** isSingleRedis tells the forms that askRedis can dial from Sentinel and Redis Cluster. */
export const isSingleRedis = (url: string): boolean => /^(rediss?|unix):/.test(url)

/** withoutCredentials is the address of a Redis as it may be shown. */
export const withoutCredentials = (url: string): string =>
  url.replace(/\?.*$/, '').replace(/^([^/]+:\/\/)[^/]*@/, '$1')

/** tellWaiting says at once where a Redis is waited for that cannot be reached; whoever needs it says later that it did not come. */
export const reportWaiting = async (url: string | undefined): Promise<void> => {
  if (url === undefined || !isSingleRedis(url)) return
  // Of a URL that is none, whoever needs Redis says so.
  const answer = await askRedis(url, ['PING']).catch(() => ({ value: null }))
  const reason = 'failed' in answer ? unreachable(answer.failed) : undefined
  if (reason !== undefined) sayWaiting(url, reason)
}

/** sayWaiting says which Redis is waited for. */
export const sayWaiting = (url: string, reason: string): void =>
  complain(`mcp-router: waiting for Redis at ${withoutCredentials(url)} (${reason})`)

/** unreachable is why a Redis cannot be reached, in the words of a message; undefined: it can, and refuses. */
export const unreachable = (failed: string): string | undefined => {
  if (!connecting.test(failed)) return undefined
  return failed.includes('ECONNREFUSED') ? 'connection refused' : failed
}

const connecting = /\bE(CONN|HOST|NET|TIMEDOUT|NOTFOUND|NOENT|ACCES|AI_)|no answer in time/

const encoded = (words: readonly string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`

const valueOf = (line: string): string | number =>
  line.startsWith(':') ? Number(line.slice(1)) : line.slice(1)

const dial = (url: string): Socket => {
  const { protocol, hostname, port, pathname } = new URL(url)
  if (protocol === 'unix:') return connectTcp({ path: decodeURIComponent(pathname) })
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const place = { host, port: Number(port || 6379) }
  return protocol === 'rediss:' ? connectTls({ ...place, servername: host }) : connectTcp(place)
}

// What a connection needs before its first command; each is answered with one line.
const preamble = (url: string): readonly (readonly string[])[] => {
  const { protocol, username, password, pathname, searchParams } = new URL(url)
  const login = [username, password].filter((word) => word !== '').map(decodeURIComponent)
  const db = protocol === 'unix:' ? searchParams.get('db') : pathname.slice(1)
  return [...(password ? [['AUTH', ...login]] : []), ...(db ? [['SELECT', db]] : [])]
}
