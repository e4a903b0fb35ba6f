/** Host is one place to dial. */
export interface Host {
  readonly host: string
  readonly port: number
}

/** Login is what every connection over TCP presents. */
export interface Login {
  readonly username?: string
  readonly password?: string
  readonly tls: boolean
}

/** RedisAddress is where Redis is, and in which of its four forms. */
export type RedisAddress =
  | { readonly kind: 'single'; readonly host: Host; readonly login: Login; readonly db: number }
  | { readonly kind: 'socket'; readonly path: string; readonly db: number }
  | {
      readonly kind: 'sentinel'
      readonly sentinels: readonly Host[]
      readonly sentinelPassword?: string
      readonly master: string
      readonly login: Login
      readonly db: number
    }
  | { readonly kind: 'cluster'; readonly nodes: readonly Host[]; readonly login: Login }

const forms =
  'redis://[user:password@]host:port[/db], rediss://… for TLS, unix:///path/to.sock, ' +
  'redis+sentinel://host:port,host:port/master[/db] or redis+cluster://host:port,host:port'

// Not the URL class: it does not know several hosts in one authority.
const tcpShape = /^redis(s?)(\+sentinel|\+cluster)?:\/\/(?:([^/?]*)@)?([^/?@]+)(?:\/([^?]*))?$/
const hostShape = /^(?:\[([^\]]+)\]|([^:,[\]\s]+))(?::(\d{1,5}))?$/
const dbShape = /^\d{1,5}$/

/** misread quotes nothing of the URL: a part misread may be a part of its password. */
const misread = (what: string) => new Error(`the Redis URL ${what}; write ${forms}`)

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    throw misread('has a % that is not followed by two hexadecimal digits')
  }
}

const parseDb = (text: string | undefined): number => {
  if (!text) return 0
  if (!dbShape.test(text)) throw misread('has no number where that of a database belongs')
  return Number(text)
}

const parseHost = (text: string, defaultPort: number): Host => {
  const [, bracketed, plain, port] = hostShape.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined) throw misread('has no host:port where one belongs')
  return { host, port: port === undefined ? defaultPort : Number(port) }
}

const parseLogin = (tls: boolean, text: string | undefined): Login => {
  if (!text) return { tls }
  const colon = text.indexOf(':')
  const username = decode(colon === -1 ? text : text.slice(0, colon))
  const password = colon === -1 ? '' : decode(text.slice(colon + 1))
  return { tls, ...(username && { username }), ...(password && { password }) }
}

const parseSocket = (path: string, query: URLSearchParams): RedisAddress => {
  if (!path.startsWith('/')) throw misread('has no absolute path of a socket')
  return { kind: 'socket', path, db: parseDb(query.get('db') ?? undefined) }
}

const parseTcp = (url: string, query: URLSearchParams): RedisAddress => {
  const [, s, form, user, authority, path = ''] = tcpShape.exec(url) ?? []
  if (authority === undefined) throw misread('is not understood')
  const login = parseLogin(s === 's', user)
  const hosts = authority.split(',')
  const [first = '', second, ...rest] = path.split('/').map(decode)
  switch (form) {
    case '+cluster':
      if (path) throw misread('names a database, and a Redis Cluster has one only')
      return { kind: 'cluster', nodes: hosts.map((text) => parseHost(text, 6379)), login }
    case '+sentinel': {
      if (!first || rest.length > 0) throw misread('does not name the master after the Sentinels')
      const sentinels = hosts.map((text) => parseHost(text, 26379))
      const sentinelPassword = query.get('sentinelPassword')
      return {
        kind: 'sentinel',
        sentinels,
        ...(sentinelPassword && { sentinelPassword }),
        master: first,
        login,
        db: parseDb(second),
      }
    }
    case undefined:
    default:
      if (second !== undefined) throw misread('has more than a number behind its host')
      return { kind: 'single', host: parseHost(authority, 6379), login, db: parseDb(first) }
  }
}

/** parseRedisUrl throws an Error fit to print. Parameters that other clients know (`?family=0`) are passed over. */
export const parseRedisUrl = (text: string): RedisAddress => {
  const question = text.indexOf('?')
  const url = question === -1 ? text : text.slice(0, question)
  const query = new URLSearchParams(question === -1 ? '' : text.slice(question + 1))
  if (url.startsWith('/')) return parseSocket(url, query)
  if (url.startsWith('unix://')) {
    return parseSocket(decode(url.slice('unix://'.length)), query)
  }
  return parseTcp(url, query)
}
