import { formatted } from './conf.js'
import { header } from './header.js'
import { server } from './server.js'
import { checked, type NginxSettings } from './settings.js'
import { upstream } from './upstream.js'

const logLine = [
  '$time_iso8601 $remote_addr $request_id "$request_method $uri" $status $body_bytes_sent B',
  '$request_time s from $upstream_addr $upstream_status $upstream_response_time s',
].join(' ')

const preamble = `
# The query is not logged: it may hold a session id, and whoever has that has the session.
log_format mcp_router '${logLine}';
# The path that was stripped and that the router puts before the addresses it hands out.
map $uri $mcp_router_prefix {
  "~^/mcp-bridge/" /mcp-bridge;
  default "";
}
# A message of which no byte was sent was not delivered; of any other, nobody can say.
map $upstream_bytes_sent $mcp_router_failure {
  "~^[0, :-]*$" @mcp_router_unreachable;
  default @mcp_router_broke_off;
}
`

/** siteConf is the http-level text of one site, for a conf.d folder or for mainConf to include. */
export const siteConf = (settings: NginxSettings): string => {
  const site = checked(settings)
  return header + formatted(preamble + upstream(site) + server(site))
}
