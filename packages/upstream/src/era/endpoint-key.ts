import { createHash } from 'node:crypto'
import type { Endpoint } from '@mcp-router/core'

const keys = new WeakMap<Endpoint, string>()

/**
 * endpointKey is the same for the same address with the same headers, or the same command in the same surroundings, and for no other. An
 * EndpointId will not do: that of a command is its place in the configuration. Secrets cannot be read from it.
 */
export const endpointKey = (endpoint: Endpoint): string => {
  const known = keys.get(endpoint)
  if (known) return known
  const key = createHash('sha256')
    .update(JSON.stringify(identityOf(endpoint)))
    .digest('hex')
  // Endpoints are immutable: one that changes is another object.
  keys.set(endpoint, key)
  return key
}

const identityOf = (endpoint: Endpoint): readonly unknown[] => {
  if (endpoint.transport !== 'stdio') {
    return [endpoint.transport, endpoint.url, sorted(endpoint.headers)]
  }
  const { transport, command, args, env, cwd } = endpoint
  return [transport, command, args, sorted(env), cwd ?? null]
}

const sorted = (map: Readonly<Record<string, string>>): readonly (readonly [string, string])[] =>
  Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1))
