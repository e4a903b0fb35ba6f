import type { NginxSettings } from './settings.js'

const defaultClientConnections = 2_048
/** Bodies of a megabyte or more, or of unknown length, that one address may be sending or have sent. */
const bigBodies = 32

/** limitZones counts the requests of each client address. */
export const limitZones = ({ requiresToken = false }: NginxSettings): string => `
limit_conn_zone $binary_remote_addr zone=mcp_router_client:10m;
# A body is in memory as long as its request lasts: of big ones an address may have fewer.
map "$http_transfer_encoding:$content_length" $mcp_router_big_body {
  "~^:[0-9]?[0-9]?[0-9]?[0-9]?[0-9]?[0-9]?$" "";
  default $binary_remote_addr;
}
limit_conn_zone $mcp_router_big_body zone=mcp_router_big_body:10m;
${requiresToken ? anonymous : ''}
`

const anonymous = `
# Without a credential the router would refuse it: its body is not read.
map "$http_authorization:$http_transfer_encoding$content_length" $mcp_router_anonymous {
  "~^:(chunked|[0-9]*[1-9])" 1;
  default 0;
}
`

/** clientLimits is how much, and how slowly, one client may send. */
export const clientLimits = (settings: NginxSettings): string => {
  const { clientConnections = defaultClientConnections, requiresToken = false } = settings
  return `
client_header_timeout 10s;
# Between two reads.
client_body_timeout 10s;
limit_conn mcp_router_client ${clientConnections};
limit_conn mcp_router_big_body ${bigBodies};
limit_conn_status 429;
${requiresToken ? 'if ($mcp_router_anonymous) { return 401; }' : ''}
`
}
