/** Affinity is how Nginx picks an Instance for a request. It speeds up; no answer depends on it. */
export type Affinity = 'ip_hash' | 'session' | 'round_robin'

export interface NginxTls {
  /** Absolute paths of PEM files. */
  readonly certificate: string
  readonly key: string
  /** A port whose plain HTTP requests are sent on to https; undefined: none. */
  readonly redirectPort?: number
}

/** NginxSettings is what a site depends on. */
export interface NginxSettings {
  /** Where Nginx listens. */
  readonly host: string
  readonly port: number
  /** The Instances, `host:port` each, at least one. */
  readonly instances: readonly string[]
  readonly affinity: Affinity
  /**
   * The DNS server, `host[:port]`, that names of Instances are looked up at while Nginx runs: one name may stand for any number of them. It needs
   * Nginx 1.27.3. Undefined: names are looked up once, at the start.
   */
  readonly resolver?: string
  /** Empty: every name. */
  readonly serverNames: readonly string[]
  /** Undefined: plain HTTP. */
  readonly tls?: NginxTls
  /** The version of Nginx, `1.22.1`; undefined: any, so that nothing is said that an old one does not know. */
  readonly version?: string
  /** The largest body that the Instances read; undefined: 4 MiB, as they do by default. */
  readonly maxBodyBytes?: number
  /**
   * What the Instances know this Nginx by, so that they believe its X-Request-Id. Undefined or empty: they do not, and nothing that may have run is
   * sent to a second one.
   */
  readonly proxySecret?: string
  /** Proxies in front of this Nginx that are believed: `loopback`, addresses, subnets. */
  readonly trustedProxies?: readonly string[]
  /** Origins whose pages may read what Nginx answers by itself. */
  readonly allowedOrigins?: readonly string[]
  /** The Instances ask for a token: a body without one is not read. */
  readonly requiresToken?: boolean
  /** How many requests, streams too, one client address may have open; undefined: 2048. */
  readonly clientConnections?: number
  /** Absolute path of an access log for this site alone; undefined: that of the Nginx around it. */
  readonly accessLog?: string
  /**
   * Absolute path of the error log of the Nginx around this site. Undefined: it is not known, so that the failures of a POST to
   * `/mcp/<server>/message?sessionId=…` are logged there with the session id.
   */
  readonly errorLog?: string
}

const hostShape = /^(\*|[\w.-]+|\[?[\da-f:.]+\]?)$/i
const instanceShape = /^([\w.-]+|\[[\da-f:.]+\]):\d{1,5}$/i
const resolverShape = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i
const serverNameShape = /^[\w.*:[\]-]+$/
const proxyShape = /^(loopback|[\da-f.:]+(\/\d{1,3})?)$/i
const originShape = /^https?:\/\/[\w.:[\]-]+$/

/** checked refuses what would end a directive or start another: Nginx obeys what it reads. */
export const checked = (settings: NginxSettings): NginxSettings => {
  const { host, instances, serverNames } = settings
  if (!hostShape.test(host)) throw new Error(`Nginx cannot listen on host "${host}"`)
  if (instances.length === 0) throw new Error('Nginx needs an instance to pass requests to')
  const instance = instances.find((text) => !instanceShape.test(text))
  if (instance !== undefined) throw new Error(`instance "${instance}" is not host:port`)
  const { resolver } = settings
  if (resolver !== undefined && !resolverShape.test(resolver))
    throw new Error(`resolver "${resolver}" is not host or host:port`)
  const name = serverNames.find((text) => !serverNameShape.test(text))
  if (name !== undefined) throw new Error(`"${name}" is not a server name`)
  const proxy = settings.trustedProxies?.find((text) => !proxyShape.test(text))
  if (proxy !== undefined) throw new Error(`"${proxy}" is not an address or a subnet`)
  const origin = settings.allowedOrigins?.find((text) => !originShape.test(text))
  if (origin !== undefined) throw new Error(`"${origin}" is not an origin`)
  return settings
}
