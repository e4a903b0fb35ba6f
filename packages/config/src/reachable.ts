import { ConfigError, type Problem } from './config-error.js'
import { isOfThisMachine } from './own-address.js'
import { loopbackNames, type Environment } from './schema.js'

/** isLoopback tells whether only this machine reaches who listens at `host`. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || /^(::1|\[::1\])$/.test(host) || /^127(\.\d+){3}$/.test(host)

/** So many characters, and so many different ones, are too many to try. */
const leastLength = 16
const leastVariety = 8

const isWeak = (token: string): boolean =>
  token.length < leastLength || new Set(token).size < leastVariety

/** requireToken refuses to listen beyond this machine without a secret that nobody guesses. */
export const requireToken = (parsed: Environment): void => {
  const open = (['HOST', 'GATEWAY_HOST'] as const).filter((name) => !isLoopback(parsed[name]))
  const weak = (['ACCESS_TOKEN', 'CLUSTER_SECRET'] as const).filter((name) => {
    const secret = parsed[name]
    return secret !== undefined && isWeak(secret)
  })
  const problems = open.flatMap((name): readonly Problem[] => {
    const isRefused = weak.length > 0 || parsed.ACCESS_TOKEN === undefined
    // Looked up only where it is refused either way: it may take a while.
    if (isRefused && !isOfThisMachine(parsed[name])) {
      const reason = `${name}: ${parsed[name]} is no address or name of this machine`
      return [{ reason, advice: 'correct it or leave it out' }]
    }
    const reason = `${name}: ${parsed[name]} is reachable from other machines, and `
    const guessed = weak.map((secret) => ({
      reason: `${reason}${secret} can be guessed`,
      advice: `set ${secret} to ${leastLength} random characters or more: openssl rand -hex 32`,
    }))
    if (parsed.ACCESS_TOKEN !== undefined) return guessed
    const advice = 'set ACCESS_TOKEN to a secret of your own, or listen on 127.0.0.1'
    return [{ reason: `${reason}no token is set`, advice }, ...guessed]
  })
  if (problems.length > 0) throw new ConfigError(problems)
}

/**
 * allowedHosts are the names that requests may be addressed to. An address that the operator chose to listen on is one that clients will name; the
 * wildcard is nobody's name.
 */
export const allowedHosts = (parsed: Environment): readonly string[] => {
  const chosen = [parsed.HOST, parsed.GATEWAY_HOST]
    .filter((host) => host !== '0.0.0.0' && host !== '::')
    .map((host) => (host.includes(':') ? `[${host}]` : host.toLowerCase()))
  return [...new Set([...loopbackNames, ...parsed.ALLOWED_HOSTS, ...chosen])]
}
