import { comeAgain, comeAgainBehind } from './answer.js'
import { formatted } from './conf.js'
import { header } from './header.js'
import { limitZones } from './limits.js'
import { outer } from './outer.js'
import { originMaps } from './own-headers.js'
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
# Whether an instance got any of it before, at the moment when it is passed on: the first time nothing is known yet.
map $upstream_bytes_sent $mcp_router_again {
  volatile;
  "" "";
  "~^[0, :-]*$" "";
  default 1;
}
# Clients that open their stream again name the event, the conversation or the revision that they had; after an error they never would again.
map "$request_method $uri" $mcp_router_stream {
  "~^GET (/mcp-bridge)?/(sse|mcp)(/|$)" $http_accept;
  default "";
}
map $mcp_router_stream $mcp_router_returns {
  "~*(text/event-stream|text/\\*|\\*/\\*)" $http_last_event_id$http_mcp_protocol_version$arg_clientid;
  default "";
}
# What they get while no instance answers: clients of Streamable HTTP forget where they were unless it is named again.
map "$uri $http_last_event_id" $mcp_router_come_again {
  "~^(/mcp-bridge)?/mcp(/[^ ]*)? ." ${comeAgainBehind};
  default ${comeAgain};
}
# A message of which no byte was sent was not delivered; of any other, nobody can say.
map "$mcp_router_returns:$upstream_bytes_sent" $mcp_router_failure {
  "~^:[0, :-]*$" @mcp_router_unreachable;
  "~^:" @mcp_router_broke_off;
  default @mcp_router_come_again;
}
`

/** siteConf is the http-level text of one site, for a conf.d folder or for mainConf to include. */
export const siteConf = (settings: NginxSettings): string => {
  const site = checked(settings)
  const zones = outer(site).maps + originMaps(site) + limitZones(site)
  return header + formatted(preamble + zones + upstream(site) + server(site))
}
