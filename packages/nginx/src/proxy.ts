import { outer } from './outer.js'
import { quoted } from './quote.js'
import type { NginxSettings } from './settings.js'

/** headers is what the router is told about a request, whatever the client claimed. */
const headers = (settings: NginxSettings): string => {
  const { proto, host, port, prefix } = outer(settings).values
  return `
proxy_http_version 1.1;
proxy_set_header Connection "";
proxy_set_header Host $http_host;
# Made here, one for all tries, so that the router knows a message that comes again.
proxy_set_header X-Request-Id $request_id;
# Set on the second round of tries, where it was sent to an instance before.
proxy_set_header X-Mcp-Router-Again $mcp_router_again;
# By this the router believes what is said here. Whoever can read it can pass for this Nginx.
proxy_set_header X-Mcp-Router-Proxy ${settings.proxySecret ? quoted(settings.proxySecret) : '""'};
#
proxy_set_header X-Real-IP $remote_addr;
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
proxy_set_header X-Forwarded-Proto ${proto};
proxy_set_header X-Forwarded-Host ${host};
proxy_set_header X-Forwarded-Port ${port};
proxy_set_header X-Forwarded-Prefix ${prefix};
# Said between instances only, so never by a client.
proxy_set_header X-Mcp-Router-Signature "";
proxy_set_header X-Mcp-Router-Principal "";
# Nginx obeys it and would keep it; a proxy in front of this one needs it too.
proxy_pass_header X-Accel-Buffering;
# The router builds its addresses from the headers above.
proxy_redirect off;
`
}

const resending = `
# A POST that no instance took goes on to the next one. Whose instance went away with it comes again (@mcp_router_again).
proxy_next_upstream error timeout;
#
`
const notResending = `
# The instances do not know this Nginx, so they could not tell that a POST comes again: it is not sent twice.
proxy_next_upstream error timeout;
#
`

const passing = `
proxy_connect_timeout 2s;
# Streams may be silent and tools slow; the deadlines are the router's.
proxy_read_timeout 1h;
proxy_send_timeout 1h;
# The router is notified at once when the client disconnects.
proxy_ignore_client_abort off;
# The first is held by every open stream.
proxy_buffer_size 8k;
proxy_buffers 16 16k;
# Answers never lie in files: a slow reader slows the router down instead.
proxy_max_temp_file_size 0;
`

/** proxy is how requests are passed on; it stands in the server, and its locations inherit it. */
export const proxy = (settings: NginxSettings): string =>
  headers(settings) + (settings.proxySecret ? resending : notResending) + passing

const unbuffered = `
  proxy_buffering off;
  proxy_request_buffering off;
  proxy_cache off;
`

/** unprefixed passes the path that Nginx matched, without the prefix, from a location where proxy_pass can have no path of its own. */
export const unprefixed = `
  rewrite ^/mcp-bridge(/.*)$ $1 break;
  rewrite ^(.*)$ $1 break;
  proxy_pass http://mcp_router;
`

/** quiet keeps requests out of the error log that name their session in the query: whoever has that has the session. */
export const quiet = ({ errorLog }: NginxSettings): string =>
  errorLog === undefined ? '' : `error_log ${quoted(errorLog)} crit;`

const messages = (settings: NginxSettings): string =>
  settings.errorLog === undefined
    ? ''
    : `
# Their query holds a session id, which Nginx would log with every failure; the access log says which instance failed.
location ~ ^/(mcp-bridge/)?mcp/([^/]+/)?message/?$ {
  ${quiet(settings)}
  ${unprefixed}
}
`

/**
 * locations decides what reaches the router. Every proxy_pass has a path: so Nginx passes the path
 * that it matched, without `%69`, `//` and `..`, and not the client's own spelling of it.
 */
export const locations = (settings: NginxSettings): string => `
# Buffered, which is cheaper: the router says X-Accel-Buffering: no on every stream.
location / {
  proxy_pass http://mcp_router/;
}
location /sse {
  proxy_pass http://mcp_router/sse;
  ${unbuffered}
}
location /mcp-bridge/ {
  proxy_pass http://mcp_router/;
}
location /mcp-bridge/sse {
  proxy_pass http://mcp_router/sse;
  ${unbuffered}
}
${messages(settings)}
`
