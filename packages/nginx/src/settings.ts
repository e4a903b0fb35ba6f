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
  /** Empty: every name. */
  readonly serverNames: readonly string[]
  /** Undefined: plain HTTP. */
  readonly tls?: NginxTls
  /** The version of Nginx, `1.22.1`; undefined: any, so that nothing is said that an old one does not know. */
  readonly version?: string
  /** The largest body that the Instances read; undefined: 4 MiB, as they do by default. */
  readonly maxBodyBytes?: number
  /** Absolute path of an access log for this site alone; undefined: that of the Nginx around it. */
  readonly accessLog?: string
}

const hostShape = /^(\*|[\w.-]+|\[?[\da-f:.]+\]?)$/i
const instanceShape = /^([\w.-]+|\[[\da-f:.]+\]):\d{1,5}$/i
const serverNameShape = /^[\w.*:[\]-]+$/

/** checked refuses what would end a directive or start another: Nginx obeys what it reads. */
export const checked = (settings: NginxSettings): NginxSettings => {
  const { host, instances, serverNames } = settings
  if (!hostShape.test(host)) throw new Error(`Nginx cannot listen on host "${host}"`)
  if (instances.length === 0) throw new Error('Nginx needs an instance to pass requests to')
  const instance = instances.find((text) => !instanceShape.test(text))
  if (instance !== undefined) throw new Error(`instance "${instance}" is not host:port`)
  const name = serverNames.find((text) => !serverNameShape.test(text))
  if (name !== undefined) throw new Error(`"${name}" is not a server name`)
  return settings
}
