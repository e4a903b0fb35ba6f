import type { Principal } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { hostAllowed, isOwnOrigin } from './origin.js'
import { sameSecret } from './same-secret.js'
import { createTrust, forgetForwarding, isForwardedFromAfar } from './trusted-proxy.js'
import type { Judged, TrustRules } from './trusted-proxy.js'

/** AdmissionRules are who may call. */
export interface AdmissionRules extends TrustRules {
  /** The one bearer token; undefined: anybody who reaches the port, which then listens on loopback. */
  readonly accessToken: string | undefined
  /** Lower-case host names without port. */
  readonly allowedHosts: readonly string[]
  /** Origins such as `https://app.example`. */
  readonly allowedOrigins: readonly string[]
}

const anyone: Principal = { name: 'anonymous' }
const bearer: Principal = { name: 'access-token' }

/**
 * createAdmission checks, before anything of a request is parsed: that only a trusted proxy says what proxies say (what others say of that
 * kind is removed), the Host (DNS rebinding), the Origin (spec, transports: security), and the bearer token. It throws FORBIDDEN_HOST,
 * FORBIDDEN_ORIGIN, FORBIDDEN_SITE, FORBIDDEN_CLIENT or UNAUTHENTICATED.
 */
export const createAdmission = (rules: AdmissionRules) => {
  const hosts = new Set(rules.allowedHosts.map((host) => host.toLowerCase()))
  const origins = new Set(rules.allowedOrigins)
  const trusts = createTrust(rules)
  const expected = rules.accessToken ? `Bearer ${rules.accessToken}` : undefined
  // Few different values come, many times: each is judged once.
  const knownHosts = new Set<string>()

  const checkHost = (host: string): void => {
    if (knownHosts.has(host)) return
    if (!hostAllowed(host, hosts))
      throw new RouterError('FORBIDDEN_HOST', { host: host || '(none)' })
    if (knownHosts.size < 1_000) knownHosts.add(host)
  }

  /** A page says where it comes from, a browser also for what a page only embeds (W3C, Fetch Metadata). */
  const checkPage = (
    origin: string | undefined,
    site: string | string[] | undefined,
    hosts: readonly string[],
  ): void => {
    if (origin === undefined) {
      if (site === undefined || site === 'same-origin' || site === 'none') return
      throw new RouterError('FORBIDDEN_SITE', { site: String(site) })
    }
    if (origins.has(origin)) return
    const isOwn = site === undefined || site === 'same-origin'
    if (isOwn && hosts.some((host) => isOwnOrigin(origin, host))) return
    throw new RouterError('FORBIDDEN_ORIGIN', { origin })
  }

  return {
    admit(req: Judged): Principal {
      const { headers } = req
      const isLocalOnly = expected === undefined
      if (isLocalOnly && isForwardedFromAfar(headers)) throw new RouterError('FORBIDDEN_CLIENT')
      if (!trusts(req)) forgetForwarding(headers)
      const host = headers.host ?? ''
      checkHost(host)
      const forwarded = headers['x-forwarded-host']
      if (forwarded !== undefined) checkHost(String(forwarded))
      const { origin } = headers
      const site = headers['sec-fetch-site']
      if (origin !== undefined || site !== undefined) {
        checkPage(origin, site, forwarded === undefined ? [host] : [host, String(forwarded)])
      }
      if (isLocalOnly) return anyone
      if (!isToken(headers.authorization, expected)) throw new RouterError('UNAUTHENTICATED')
      return bearer
    },
  }
}

const isToken = (given: string | undefined, expected: string): boolean =>
  given !== undefined &&
  (sameSecret(given, expected) || sameSecret(given.replace(/^bearer +/i, 'Bearer '), expected))
