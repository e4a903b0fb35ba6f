import { bodyTooLarge, brokeOff, internalPath, unreachable } from './answer.js'
import { locations, proxy } from './proxy.js'
import { quoted } from './quote.js'
import type { NginxSettings } from './settings.js'
import { listen, names, redirect, tls } from './listen.js'
import { retryAfterS } from './upstream.js'

const mebibyte = 1024 * 1024
const defaultMaxBodyBytes = 4 * mebibyte

const size = (bytes: number): string =>
  bytes % mebibyte === 0 ? `${bytes / mebibyte}m` : String(bytes)

/** ownAnswers is for errors of Nginx itself; those of the router pass: nothing intercepts them. */
const ownAnswers = (maxBodyBytes: number): string => `
#
error_page 413 = @mcp_router_too_large;
# Every instance was tried once: one that came too early, or that was just being started, is tried again, under the same request id.
recursive_error_pages on;
error_page 500 502 504 = @mcp_router_again;
location @mcp_router_again {
  error_page 500 502 504 = $mcp_router_failure;
  rewrite ^/mcp-bridge(/.*)$ $1 break;
  rewrite ^(.*)$ $1 break;
  proxy_pass http://mcp_router;
}
location @mcp_router_too_large {
  default_type application/json;
  return 413 ${bodyTooLarge(maxBodyBytes)};
}
location @mcp_router_unreachable {
  default_type application/json;
  add_header Retry-After ${retryAfterS} always;
  return 503 ${unreachable};
}
location @mcp_router_broke_off {
  default_type application/json;
  return 502 ${brokeOff};
}
`

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
const internal = `
# For the instances among themselves. A backslash (\\x5c) is a slash to some readers of URLs.
location ~* "^/(mcp-bridge/)*internal(/|$)|\\x5c" {
  default_type application/json;
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
  # Any body fits, so what is asked of a tool never lies in a file.
  client_body_buffer_size ${size(maxBodyBytes + mebibyte)};
  ${keptOverReload(settings.version)}
  #
  ${proxy}
  ${ownAnswers(maxBodyBytes)}
  ${internal}
  ${locations}
}
`
}
