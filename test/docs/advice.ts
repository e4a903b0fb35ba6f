import type { ErrorCode } from '@mcp-router/core'

/** Advice is what the table of errors does not say: what the outcome means, whether to send the request again, and what helps. */
export interface Advice {
  readonly meaning: string
  readonly retry: string
  readonly todo: string
}

/** Every code has its row, or this does not compile. */
export const advice: Readonly<Record<ErrorCode, Advice>> = {
  PARSE_ERROR: {
    meaning: 'the body is not JSON',
    retry: 'no',
    todo: 'send one JSON-RPC message as UTF-8 JSON',
  },
  INVALID_REQUEST: {
    meaning: 'the body is JSON, but no valid message for this address; the text names the fault',
    retry: 'no',
    todo: 'correct the request',
  },
  BODY_TOO_LARGE: {
    meaning: 'the body exceeds `MCP_MAX_BODY_BYTES`',
    retry: 'no',
    todo: 'pass big data by reference, or raise the limit',
  },
  UNSUPPORTED_CONTENT_TYPE: {
    meaning: 'the body is not declared as JSON',
    retry: 'no',
    todo: 'send `Content-Type: application/json`',
  },
  UNSUPPORTED_CODING: {
    meaning: 'the body has a `Content-Encoding`',
    retry: 'no',
    todo: 'send the body uncompressed',
  },
  NOT_ACCEPTABLE: {
    meaning: 'the client accepts no form in which this address answers',
    retry: 'no',
    todo: 'send the `Accept` header that the text names',
  },
  METHOD_NOT_ALLOWED: {
    meaning: 'the address does not take this HTTP method',
    retry: 'no',
    todo: 'use a method of the `Allow` header',
  },
  PATH_UNKNOWN: {
    meaning:
      'there is no such address; in JSON-RPC form to a POST below `/mcp` and `/sse`, as `{"error":"…"}` elsewhere',
    retry: 'no',
    todo: 'use `/mcp/<server>`, `/sse/<server>` or `/mcp/router/route/<server>`',
  },
  BACKEND_UNKNOWN: {
    meaning: 'no server has the name in the path, or the one that has it is disabled',
    retry: 'no',
    todo: 'correct the name, or register or enable the server in the servers file',
  },
  BACKEND_MISCONFIGURED: {
    meaning: 'the entry of the server has a mistake, or its command is not installed',
    retry: 'no',
    todo: 'see `scripts/mcp-router.sh backends probe <server>`, or `/api/status`; correct the servers file',
  },
  SESSION_REQUIRED: {
    meaning: 'the request needs an `Mcp-Session-Id` and has none',
    retry: 'no',
    todo: 'send `initialize` first, then the session id it gave with every request',
  },
  SESSION_NOT_FOUND: {
    meaning: 'the session ended, expired, or belongs to somebody else',
    retry: 'no',
    todo: 'send `initialize` to open a new session; see [refused sessions](#refused-sessions)',
  },
  REVISION_UNSUPPORTED: {
    meaning: 'the server and the client share no protocol revision',
    retry: 'no',
    todo: 'use a revision that the text lists',
  },
  NO_HEALTHY_ENDPOINT: {
    meaning: 'no endpoint of the server could be reached; the request was not executed',
    retry: 'yes',
    todo: 'check that the server is running, or the args and env of its command; `/api/status` has its last error',
  },
  UPSTREAM_FAILED: {
    meaning:
      'the server closed the connection before responding, or refused the call because it did not know the session; the call may have run',
    retry: 'only what may run twice',
    todo: 'see the log of the server',
  },
  OPENING_FAILED: {
    meaning:
      'the server did not answer `initialize` or `server/discover`, or exited before it did; no call was sent',
    retry: 'yes',
    todo: 'check how the server is configured; the text has the end of its stderr',
  },
  UPSTREAM_BAD_ANSWER: {
    meaning: 'the server sent something that is no valid MCP response; the call may have run',
    retry: 'no',
    todo: 'where the text says that no MCP server is at the path, correct `url`; otherwise report it to the author of the server',
  },
  UPSTREAM_CREDENTIAL_REFUSED: {
    meaning: 'the server refused the credential that the router sends',
    retry: 'no',
    todo: 'correct `headers` of the server in the servers file',
  },
  UPSTREAM_BUSY: {
    meaning: 'the server answered HTTP 429 or 503',
    retry: 'yes, later',
    todo: 'send fewer requests to it, or add endpoints',
  },
  DEADLINE_PASSED: {
    meaning:
      'the server did not respond in time; the call may have run, unless the text says that nothing was called',
    retry: 'only what may run twice',
    todo: 'set a longer deadline: `…/timeout/<seconds>`, or `deadline` of the server',
  },
  CANCELLED: { meaning: 'the client cancelled the request', retry: 'no', todo: 'nothing' },
  OWNER_UNREACHABLE: {
    meaning: 'the instance that holds the session cannot be reached; the request was not executed',
    retry: 'yes',
    todo: 'see `scripts/start-instances.sh status`',
  },
  OUTCOME_UNKNOWN: {
    meaning:
      'the call was sent, and its response is lost; `data` has the request id, the tool and when it was sent',
    retry: 'only after you know',
    todo: 'find out at the server whether it took effect',
  },
  STORE_UNAVAILABLE: {
    meaning: 'Redis cannot be reached, or is full; new sessions need it',
    retry: 'yes',
    todo: 'check Redis; `/ready` says `degraded` until it is back',
  },
  DRAINING: {
    meaning: 'the instance is shutting down; the request was not executed',
    retry: 'yes',
    todo: 'nothing: another instance answers',
  },
  OVERLOADED: {
    meaning: 'a limit of the router is reached; the text names it',
    retry: 'yes, later',
    todo: 'send fewer requests at a time, or raise the limit',
  },
  FORBIDDEN_ORIGIN: {
    meaning: 'the `Origin` of the page is not allowed',
    retry: 'no',
    todo: 'list it in `ALLOWED_ORIGINS`',
  },
  FORBIDDEN_HOST: {
    meaning: 'the `Host` of the request is not allowed',
    retry: 'no',
    todo: 'list it in `ALLOWED_HOSTS`',
  },
  FORBIDDEN_SITE: {
    meaning: 'a page of another site sent the request without an allowed `Origin`',
    retry: 'no',
    todo: 'list the site in `ALLOWED_ORIGINS`',
  },
  FORBIDDEN_CLIENT: {
    meaning: 'a proxy forwards the request from another machine, and no token is set',
    retry: 'no',
    todo: 'set `ACCESS_TOKEN`',
  },
  UNAUTHENTICATED: {
    meaning: 'the token is missing or wrong',
    retry: 'no',
    todo: 'send `Authorization: Bearer <token>`',
  },
  LOOP_DETECTED: {
    meaning: 'the `url` of a server leads back to this router',
    retry: 'no',
    todo: 'correct the `url` in the servers file',
  },
  INTERNAL: {
    meaning: 'a fault of the router',
    retry: 'no',
    todo: 'look up the request id in the log, and report it',
  },
}
