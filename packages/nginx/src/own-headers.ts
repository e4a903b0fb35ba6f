import type { NginxSettings } from './settings.js'

// As the router says them of its own answers.
const exposed = 'Mcp-Session-Id, WWW-Authenticate, Retry-After, MCP-Protocol-Version'

/** originMaps finds out whether a page may read what Nginx answers by itself. */
export const originMaps = ({ allowedOrigins = [] }: NginxSettings): string =>
  allowedOrigins.length === 0
    ? ''
    : `
# Pages of these origins may read the errors of Nginx; the router says the same of its own answers.
map $http_origin $mcp_router_origin {
  ${allowedOrigins.map((origin) => `${origin} ${origin};`).join('\n')}
  default "";
}
map $mcp_router_origin $mcp_router_exposed {
  "" "";
  default "${exposed}";
}
`

/** tlsHeaders keeps browsers on https, and from guessing what an answer is. */
export const tlsHeaders = ({ tls }: NginxSettings): string =>
  tls === undefined
    ? ''
    : `
add_header Strict-Transport-Security "max-age=31536000" always;
add_header X-Content-Type-Options nosniff always;
`

/** ownHeaders stand in what Nginx answers by itself: there it inherits none of those of the server. */
export const ownHeaders = (settings: NginxSettings): string =>
  tlsHeaders(settings) +
  ((settings.allowedOrigins ?? []).length === 0
    ? ''
    : `
add_header Vary Origin always;
add_header Access-Control-Allow-Origin $mcp_router_origin always;
add_header Access-Control-Expose-Headers $mcp_router_exposed always;
`)
