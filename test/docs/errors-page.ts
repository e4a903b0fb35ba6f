import { errorCodes, RouterError } from '@mcp-router/core'
import type { ErrorCode } from '@mcp-router/core'
import { advice } from './advice.js'

const head = `# Errors

\`outcome\` is in the log line of the call and in the metrics; the client gets the code as \`error.code\` of a JSON-RPC error, and the HTTP status where
the response has not begun as a stream. With "Retry-After", the header says when to send the request again.

To find a request, search the logs for its \`X-Request-Id\`: \`grep <id> .run/logs/router-*.log\`. Lines of a 5xx and of \`OUTCOME_UNKNOWN\` are of level
\`warn\`; \`reason\` is the cause.

<!-- generated from packages/core/src/errors.ts: UPDATE_DOCS=1 npx vitest run --project unit test/docs -->

| outcome | code | HTTP | meaning | retry? | what to do |
|---|---|---|---|---|---|
`

const foot = `
Nginx answers by itself, without an outcome: -31503 (503) while no instance can be reached, -31429 (429) for too many requests at a time from one
address, of those without \`Content-Length\` more than 32, and -31502 (502) where the instance closed the connection before responding. Other outcomes in the log are no errors of the router:
\`ok\`, \`CLIENT_LEFT\` (the client disconnected), \`HANDED_OVER\` (another instance answers), \`ENDED\` (the stream was ended), \`REFUSED_<code>\` (the
request breaks a rule of the protocol; with -32022 it names a revision that is not served, and the text lists those that are) and
\`UPSTREAM_<status>\` (the answer of the server, passed on).

## Refused sessions

\`\`\`sh
grep SESSION_NOT_FOUND .run/logs/router-*.log   # the field "session" names the session, hashed
scripts/mcp-router.sh sessions explain <session>
\`\`\`
`

/** errorsPage is the text of docs/errors.md. */
export const errorsPage = (): string => head + errorCodes.map(rowOf).join('') + foot

const rowOf = (code: ErrorCode): string => {
  const { rpc, status, retryAfterS } = new RouterError(code)
  const { meaning, retry, todo } = advice[code]
  const after = retryAfterS === undefined ? '' : ` (Retry-After: ${retryAfterS})`
  return `| \`${code}\` | ${rpc} | ${status} | ${meaning} | ${retry}${after} | ${todo} |\n`
}
