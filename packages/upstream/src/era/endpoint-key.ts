import { createHmac, randomBytes } from 'node:crypto'
import type { Backend, Endpoint } from '@mcp-router/core'

/** SharedKeys name Endpoints in the store. All Instances that have the same secret make the same names; no credential can be read from them. */
export interface SharedKeys {
  /** key changes with anything that a server may answer differently for: address, headers, environment, place in the configuration. */
  readonly key: (endpoint: Endpoint) => string
  /** place stays the same while the headers change: what was opened at the Endpoint, an http session say, is still there. */
  readonly place: (endpoint: Endpoint) => string
}

const placeOf = (endpoint: Endpoint): readonly unknown[] => {
  // What was found out of it does not make it another one.
  if (endpoint.transport !== 'stdio')
    return [endpoint.isAuto ? 'auto' : endpoint.transport, endpoint.url]
  const { transport, command, args, env, cwd, runAs } = endpoint
  return [transport, command, args, sorted(env), cwd ?? null, runAs ?? null]
}

const credentialsOf = (endpoint: Endpoint): unknown =>
  endpoint.transport === 'stdio' ? null : sorted(endpoint.headers)

const sorted = (map: Readonly<Record<string, string>>): readonly (readonly [string, string])[] =>
  Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1))

const keyedHash = (
  secret: string,
  identityOf: (endpoint: Endpoint) => readonly unknown[],
): ((endpoint: Endpoint) => string) => {
  // Endpoints are immutable: one that changes is another object.
  const known = new WeakMap<Endpoint, string>()
  return (endpoint) => {
    const found = known.get(endpoint)
    if (found) return found
    const made = createHmac('sha256', secret)
      .update(JSON.stringify(identityOf(endpoint)))
      .digest('hex')
    known.set(endpoint, made)
    return made
  }
}

export const createSharedKeys = (secret: string): SharedKeys => ({
  key: keyedHash(secret, (endpoint) => [
    endpoint.id,
    ...placeOf(endpoint),
    credentialsOf(endpoint),
  ]),
  place: keyedHash(secret, placeOf),
})

const { key, place } = createSharedKeys(randomBytes(32).toString('hex'))

/**
 * endpointKey names an Endpoint in what this process remembers of it: upstreams, lists, failures. Nothing that one set of credentials opened or
 * was shown is found under the key of another. Not the EndpointId: that stays when the operator replaces the address or the headers.
 */
export const endpointKey = key

/** backendKey names a Backend with all its Endpoints, for what is remembered of any of them. */
export const backendKey = ({ name, endpoints }: Backend): string =>
  [name, ...endpoints.map(endpointKey)].join(' ')

/** isSamePlace tells that an Endpoint stands where the other one stood, if with other headers. */
export const isSamePlace = (one: Endpoint, other: Endpoint): boolean => place(one) === place(other)
