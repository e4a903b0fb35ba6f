import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Principal } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { hostAllowed, originAllowed } from './origin.js'

/** AdmissionRules are who may call. */
export interface AdmissionRules {
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
 * createAdmission checks, before anything of a request is parsed: the Host (DNS rebinding), the Origin (spec, transports: security), and
 * the bearer token. It throws FORBIDDEN_HOST, FORBIDDEN_ORIGIN or UNAUTHENTICATED.
 */
export const createAdmission = (rules: AdmissionRules) => {
  const hosts = new Set(rules.allowedHosts.map((host) => host.toLowerCase()))
  const origins = new Set(rules.allowedOrigins)
  const expected = rules.accessToken ? Buffer.from(`Bearer ${rules.accessToken}`) : undefined
  // Few different values come, many times: each is judged once.
  const knownHosts = new Set<string>()

  const checkHost = (host: string): void => {
    if (knownHosts.has(host)) return
    if (!hostAllowed(host, hosts))
      throw new RouterError('FORBIDDEN_HOST', { host: host || '(none)' })
    if (knownHosts.size < 1_000) knownHosts.add(host)
  }

  return {
    admit(req: IncomingMessage): Principal {
      const { headers } = req
      const host = headers.host ?? ''
      checkHost(host)
      const forwarded = headers['x-forwarded-host']
      if (forwarded !== undefined) checkHost(String(forwarded))
      const { origin } = headers
      if (origin !== undefined && !originAllowed(origin, host, hosts, origins)) {
        throw new RouterError('FORBIDDEN_ORIGIN', { origin })
      }
      if (!expected) return anyone
      if (!isToken(headers.authorization, expected)) throw new RouterError('UNAUTHENTICATED')
      return bearer
    },
  }
}

/** The comparison takes the same time wherever the first difference is. */
const isToken = (given: string | undefined, expected: Buffer): boolean => {
  if (given === undefined) return false
  const bytes = Buffer.from(given.replace(/^bearer +/i, 'Bearer '))
  return bytes.length === expected.length && timingSafeEqual(bytes, expected)
}
