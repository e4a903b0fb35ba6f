/** headers is what the router is told about a request, whatever the client claimed. */
const headers = `
proxy_http_version 1.1;
proxy_set_header Connection "";
proxy_set_header Host $http_host;
# Made here, one for all tries, so that the router knows a message that comes again.
proxy_set_header X-Request-Id $request_id;
#
proxy_set_header X-Real-IP $remote_addr;
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
proxy_set_header X-Forwarded-Proto $scheme;
proxy_set_header X-Forwarded-Host $http_host;
proxy_set_header X-Forwarded-Port $server_port;
proxy_set_header X-Forwarded-Prefix $mcp_router_prefix;
# Said between instances only, so never by a client.
proxy_set_header X-Mcp-Router-Secret "";
proxy_set_header X-Mcp-Router-Principal "";
# Nginx obeys it and would keep it; a proxy in front of this one needs it too.
proxy_pass_header X-Accel-Buffering;
# The router builds its addresses from the headers above.
proxy_redirect off;
`

const passing = `
# A POST whose instance went away goes on to another one, which knows by its X-Request-Id what became of it:
# what must not run twice is in the journal of the cluster.
proxy_next_upstream error timeout non_idempotent;
#
proxy_connect_timeout 2s;
# Streams may be silent and tools slow; the deadlines are the router's.
proxy_read_timeout 1h;
proxy_send_timeout 1h;
# The router hears at once of a client that left.
proxy_ignore_client_abort off;
# The first is held by every open stream.
proxy_buffer_size 8k;
proxy_buffers 16 16k;
# Answers never lie in files: a slow reader slows the router down instead.
proxy_max_temp_file_size 0;
`

/** proxy is how requests are passed on; it stands in the server, and its locations inherit it. */
export const proxy = headers + passing

const unbuffered = `
  proxy_buffering off;
  proxy_request_buffering off;
  proxy_cache off;
`

/**
 * locations decides what reaches the router. Every proxy_pass has a path: so Nginx passes the path
 * that it matched, without `%69`, `//` and `..`, and not the client's own spelling of it.
 */
export const locations = `
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
`
