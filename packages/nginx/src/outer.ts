import type { NginxSettings } from './settings.js'

/** Outer is what Nginx is told about proxies in front of it, and where it then finds what they say. */
interface Outer {
  readonly maps: string
  readonly server: string
  readonly values: {
    readonly proto: string
    readonly host: string
    readonly port: string
    readonly prefix: string
  }
}

const nobody: Outer = {
  maps: '',
  server: '',
  values: {
    proto: '$scheme',
    host: '$http_host',
    port: '$server_port',
    prefix: '$mcp_router_stripped',
  },
}

const subnets = (proxies: readonly string[]): readonly string[] =>
  proxies.flatMap((each) => (each === 'loopback' ? ['127.0.0.0/8', '::1'] : [each]))

/**
 * outer believes proxies in front of this Nginx by their addresses: who the client is, and by which address it came. What others claim of
 * that kind is overwritten.
 */
export const outer = ({ trustedProxies = [] }: NginxSettings): Outer => {
  if (trustedProxies.length === 0) return nobody
  const proxies = subnets(trustedProxies)
  return {
    maps: `
# Whether the request comes from a proxy that is believed.
geo $realip_remote_addr $mcp_router_outer {
  default 0;
  ${proxies.map((each) => `${each} 1;`).join('\n')}
}
map "$mcp_router_outer $http_x_forwarded_proto" $mcp_router_proto {
  "1 https" https;
  "1 http" http;
  default $scheme;
}
map "$mcp_router_outer $http_x_forwarded_host" $mcp_router_host {
  "~^1 (?<mcp_router_outer_host>[^ ,]+)" $mcp_router_outer_host;
  default $http_host;
}
map "$mcp_router_outer $http_x_forwarded_port" $mcp_router_port {
  "~^1 (?<mcp_router_outer_port>[0-9]+)" $mcp_router_outer_port;
  default $server_port;
}
map "$mcp_router_outer $http_x_forwarded_prefix" $mcp_router_outer_prefix {
  "~^1 (?<mcp_router_said_prefix>(/[A-Za-z0-9._~-]+)+)/?$" $mcp_router_said_prefix;
  default "";
}
`,
    server: `
# The client is who the proxies that are believed say it is.
${proxies.map((each) => `set_real_ip_from ${each};`).join('\n')}
real_ip_header X-Forwarded-For;
real_ip_recursive on;
`,
    values: {
      proto: '$mcp_router_proto',
      host: '$mcp_router_host',
      port: '$mcp_router_port',
      prefix: '$mcp_router_outer_prefix$mcp_router_stripped',
    },
  }
}
