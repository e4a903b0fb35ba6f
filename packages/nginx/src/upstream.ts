import type { Affinity, NginxSettings } from './settings.js'

const failTimeoutS = 1

/** Nginx tries a failed Instance again once more than `fail_timeout` passed, in whole seconds. */
export const retryAfterS = failTimeoutS + 1

const balance = (affinity: Affinity): string => {
  switch (affinity) {
    case 'ip_hash':
      return 'ip_hash;'
    case 'session':
      return 'hash $mcp_router_session consistent;'
    case 'round_robin':
      return ''
  }
}

/** sessionMaps names the Session of a request, by header (Streamable HTTP) or query (HTTP+SSE). */
const sessionMaps = `
# A request without a session is placed evenly: the id is minted only after it.
map $arg_sessionid $mcp_router_session_in_query {
  "" $request_id;
  default $arg_sessionid;
}
map $http_mcp_session_id $mcp_router_session {
  "" $mcp_router_session_in_query;
  default $http_mcp_session_id;
}
`

const loopback = /^(127\.|localhost:|\[::1\])/

/**
 * On this machine a dead Instance refuses at once, so that it costs nothing to try it; and none is passed over that has just come back, while
 * the others go. Elsewhere one may not answer at all.
 */
const failures = (instances: readonly string[]): string =>
  instances.every((instance) => loopback.test(instance))
    ? 'max_fails=0'
    : `max_fails=1 fail_timeout=${failTimeoutS}s`

/** How long an address that DNS gave is taken for that of an Instance, in seconds: as long as a failed one is passed over. */
const resolvedS = failTimeoutS

const resolverOf = ({ resolver }: NginxSettings): string =>
  resolver === undefined
    ? ''
    : `
  # Instances come and go: their names are looked up again and again.
  resolver ${resolver} valid=${resolvedS}s;
  resolver_timeout 2s;
`

/** upstream is the Instances and how one of them is picked. */
export const upstream = (settings: NginxSettings): string => {
  const { affinity, instances, resolver } = settings
  const how = `${resolver === undefined ? '' : 'resolve '}${failures(instances)}`
  return `
${affinity === 'session' ? sessionMaps : ''}
upstream mcp_router {
  # Known to all workers: a dead instance costs one failed try, not one per worker.
  zone mcp_router 256k;
  #
  ${balance(affinity)}
  ${resolverOf(settings)}
  ${instances.map((instance) => `server ${instance} ${how};`).join('\n')}
  # For each worker: as many as calls at once, or each call above opens a connection.
  keepalive 256;
  # A new connection for every thousandth request, as is usual, costs a busy site more than it frees.
  keepalive_requests 1000000;
  # Less than the instances allow (75 s): Nginx never writes to a connection that is being closed.
  keepalive_timeout 30s;
}
`
}
