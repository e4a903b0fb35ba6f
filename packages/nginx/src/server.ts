import {
  bodyTooLarge,
  brokeOff,
  internalPath,
  tooMany,
  unauthenticated,
  unreachable,
} from './answer.js'
import { clientLimits } from './limits.js'
import { outer } from './outer.js'
import { locations, proxy, quiet, unprefixed } from './proxy.js'
import { quoted } from './quote.js'
import type { NginxSettings } from './settings.js'
import { ownHeaders, tlsHeaders } from './own-headers.js'
import { listen, names, redirect, tls } from './listen.js'
import { retryAfterS } from './upstream.js'

const mebibyte = 1024 * 1024
const defaultMaxBodyBytes = 4 * mebibyte

const size = (bytes: number): string =>
  bytes % mebibyte === 0 ? `${bytes / mebibyte}m` : String(bytes)

/**
 * A message that was sent and not answered, or that no instance took, goes through all instances once more, now named as one that comes again:
 * the router runs it once more at most, whatever it is.
 */
const again = (settings: NginxSettings): string => `
# No instance could be reached, or the one that had the message went away: all are tried, once more, under the same request id.
recursive_error_pages on;
error_page 500 502 504 = @mcp_router_again;
location @mcp_router_again {
  error_page 500 502 504 = $mcp_router_failure;
  ${quiet(settings)}
  proxy_next_upstream error timeout non_idempotent;
  ${unprefixed}
}
`
const notAgain = 'error_page 500 502 504 = $mcp_router_failure;'

/** ownAnswers is for errors of Nginx itself; those of the router pass: nothing intercepts them. */
const ownAnswers = (settings: NginxSettings): string => {
  const { maxBodyBytes = defaultMaxBodyBytes, proxySecret } = settings
  const location = (name: string, more: string, type = 'application/json'): string => `
location @mcp_router_${name} {
  default_type ${type};
  ${ownHeaders(settings)}
  ${more}
}
`
  return `
#
error_page 401 = @mcp_router_unauthenticated;
error_page 413 = @mcp_router_too_large;
error_page 429 = @mcp_router_too_many;
${proxySecret ? again(settings) : notAgain}
${location('unauthenticated', `add_header WWW-Authenticate Bearer always; return 401 ${unauthenticated};`)}
${location('too_large', `return 413 ${bodyTooLarge(maxBodyBytes)};`)}
${location('too_many', `add_header Retry-After ${retryAfterS} always; return 429 ${tooMany};`)}
${location('unreachable', `add_header Retry-After ${retryAfterS} always; return 503 ${unreachable};`)}
${location('broke_off', `return 502 ${brokeOff};`)}
${location('come_again', `add_header Cache-Control "no-cache, no-transform" always; return 200 $mcp_router_come_again;`, 'text/event-stream')}
`
}

/**
 * A reloaded Nginx closes idle connections of clients at once, and who sends at that moment is reset; since 1.27.4 it can be told to keep
 * them for a while (ngx_http_core_module, keepalive_min_timeout).
 */
const keptOverReload = (version: string | undefined): string => {
  const [major = 0, minor = 0, patch = 0] = (version ?? '').split('.').map(Number)
  const isKnown = major > 1 || (major === 1 && (minor > 27 || (minor === 27 && patch >= 4)))
  return isKnown ? 'keepalive_min_timeout 10s;' : ''
}

/** Instances reach each other directly, so what they tell each other is closed here. */
const internal = (settings: NginxSettings): string => `
# For the instances among themselves. A backslash (\\x5c) is a slash to some readers of URLs.
location ~* "^/(mcp-bridge/)*internal(/|$)|\\x5c" {
  default_type application/json;
  ${ownHeaders(settings)}
  return 404 ${internalPath};
}
`

/** server is the site itself: the router at `/`, and the same under `/mcp-bridge/`. */
export const server = (settings: NginxSettings): string => {
  const { accessLog, maxBodyBytes = defaultMaxBodyBytes } = settings
  return `
${redirect(settings)}
server {
  ${listen(settings)}
  ${names(settings)}
  ${tls(settings)}
  ${accessLog === undefined ? '' : `access_log ${quoted(accessLog)} mcp_router;`}
  #
  server_tokens off;
  tcp_nodelay on;
  # Redirects (/mcp-bridge to /mcp-bridge/) name no port: another proxy may be in front.
  absolute_redirect off;
  # The locations below rely on it.
  merge_slashes on;
  #
  large_client_header_buffers 8 32k;
  # Above the limit of the router, so that a client sees the router's own answer to a body that is
  # a little too large, and Nginx spares it the rest.
  client_max_body_size ${size(maxBodyBytes + mebibyte)};
  # Any body fits, so what is asked of a tool lies in no file, unless it comes in the smallest of chunks.
  client_body_buffer_size ${size(maxBodyBytes + mebibyte)};
  # Clients keep their connections: Nginx would close each behind its thousandth request.
  keepalive_requests 1000000;
  ${keptOverReload(settings.version)}
  #
  # As it is before a location takes it off.
  set $mcp_router_stripped $mcp_router_prefix;
  #
  ${outer(settings).server}
  ${clientLimits(settings)}
  ${tlsHeaders(settings)}
  ${proxy(settings)}
  ${ownAnswers(settings)}
  ${internal(settings)}
  ${locations(settings)}
}
`
}
