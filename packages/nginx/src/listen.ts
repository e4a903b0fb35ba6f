import { quoted } from './quote.js'
import type { NginxSettings } from './settings.js'

const address = (host: string, port: number): string =>
  host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`

export const listen = ({ host, port, tls }: NginxSettings): string =>
  `listen ${address(host, port)}${tls ? ' ssl' : ''};`

export const names = ({ serverNames }: NginxSettings): string =>
  `server_name ${serverNames.length === 0 ? '_' : serverNames.join(' ')};`

export const tls = ({ tls }: NginxSettings): string =>
  tls === undefined
    ? ''
    : `
ssl_certificate ${quoted(tls.certificate)};
ssl_certificate_key ${quoted(tls.key)};
ssl_protocols TLSv1.2 TLSv1.3;
ssl_session_cache shared:mcp_router_tls:10m;
ssl_session_timeout 1d;
# Tickets would be sealed with one key for as long as Nginx runs.
ssl_session_tickets off;
`

/** redirect sends plain HTTP on to https. */
export const redirect = (settings: NginxSettings): string => {
  const { host, port, tls } = settings
  if (tls?.redirectPort === undefined) return ''
  const authority = port === 443 ? '$host' : `$host:${port}`
  return `
server {
  listen ${address(host, tls.redirectPort)};
  ${names(settings)}
  server_tokens off;
  # 308 and not 301: a POST stays a POST.
  return 308 https://${authority}$request_uri;
}
`
}
