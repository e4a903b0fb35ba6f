import type { IncomingHttpHeaders } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { remembered } from '@mcp-router/core'
import { sameSecret } from './same-secret.js'

/** TrustRules say which hop in front of the router is believed. */
export interface TrustRules {
  /** What the cluster's own Nginx shows; undefined: there is none. */
  readonly proxySecret: string | undefined
  /** Other proxies, by where their connections come from: `loopback`, an address, or a subnet. */
  readonly trustedProxies: readonly string[]
}

/** Judged is what is looked at of a request. */
export interface Judged {
  readonly headers: IncomingHttpHeaders
  readonly socket: { readonly remoteAddress?: string | undefined }
}

const secretHeader = 'x-mcp-router-proxy'

/** Only a proxy knows these; anybody else's are removed before they are read. */
const forwarding = [
  'x-request-id',
  'x-mcp-router-again',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-real-ip',
  'forwarded',
] as const

/**
 * createTrust tells whether the other end of a connection is a trusted proxy. The own Nginx is known by a secret and not by its address:
 * clients on the same machine have that too.
 */
export const createTrust = ({ proxySecret, trustedProxies }: TrustRules) => {
  const proxies = listOf(trustedProxies)
  return (req: Judged): boolean => {
    const shown = req.headers[secretHeader]
    if (typeof shown === 'string' && proxySecret !== undefined && sameSecret(shown, proxySecret))
      return true
    return proxies !== undefined && contains(proxies, req.socket.remoteAddress ?? '')
  }
}

/** forgetForwarding removes what only a trusted proxy may claim. */
export const forgetForwarding = (headers: IncomingHttpHeaders): void => {
  for (const name of forwarding) if (headers[name] !== undefined) headers[name] = undefined
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/**
 * isForwardedFromAfar tells that a proxy, trusted or not, passes on a request of another machine. A client that claims so by itself only
 * harms itself.
 */
export const isForwardedFromAfar = (headers: IncomingHttpHeaders): boolean =>
  naming.some((name) => isFar(headers[name], isLocal)) || isFar(headers.forwarded, isLocalPath)

/** In these, proxies name the client and nothing else. */
const naming = [
  'x-forwarded-for',
  'x-real-ip',
  'x-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
] as const

const isFar = (
  given: string | string[] | undefined,
  isNear: (chain: string) => boolean,
): boolean => {
  if (given === undefined) return false
  return given !== usual && !isNear(String(given))
}

/** What Nginx on the same machine adds for a client there. */
const usual = '127.0.0.1'

const isLocal = remembered(1_000, (chain) =>
  chain.split(',').every((address) => contains(loopback, address.trim())),
)

/**
 * isLocalPath reads `Forwarded` (RFC 7239): every hop must name a client, and all that are named must be here. Commas count within quotes
 * too, so that a client that opens one and leaves it open hides nothing that a proxy adds.
 */
const isLocalPath = (path: string): boolean =>
  path.split(',').every((hop) => {
    const nodes = [...hop.matchAll(/for\s*=\s*"?([^;"\s]*)/gi)].map(([, node = '']) => node)
    return nodes.length > 0 && nodes.every((node) => contains(loopback, addressOf(node)))
  })

/** A node is `127.0.0.1`, `127.0.0.1:80`, `[::1]` or `[::1]:80`. */
const addressOf = (node: string): string =>
  /^(?:\[(.*)\]|([\d.]+))(?::\w+)?$/.exec(node)?.slice(1).join('') ?? ''

const contains = (list: BlockList, address: string): boolean => {
  const family = isIP(address)
  return family > 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

const listOf = (proxies: readonly string[]): BlockList | undefined => {
  if (proxies.length === 0) return undefined
  const list = new BlockList()
  for (const text of proxies.flatMap((each) => (each === 'loopback' ? loopbackSubnets : [each]))) {
    const [address = '', length] = text.split('/')
    const type = isIP(address) === 4 ? 'ipv4' : 'ipv6'
    if (length === undefined) list.addAddress(address, type)
    else list.addSubnet(address, Number(length), type)
  }
  return list
}

const loopbackSubnets = ['127.0.0.0/8', '::1']
