import type { BackendName, EndpointId } from './ids.js'

/** HttpEndpoint is a Streamable HTTP server (2025-03-26 and later). */
export interface HttpEndpoint {
  readonly transport: 'http'
  readonly id: EndpointId
  readonly url: string
  /** Share of new work beside the other Endpoints of the Backend, 0 or more. */
  readonly weight: number
  /** Sent with every request to this Endpoint, lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** The operator named no transport: it is this one until the server turns out to speak the other. Absent: the operator did. */
  readonly isAuto?: true
}

/** SseEndpoint is an HTTP+SSE server of revision 2024-11-05. */
export interface SseEndpoint {
  readonly transport: 'sse'
  readonly id: EndpointId
  readonly url: string
  readonly weight: number
  readonly headers: Readonly<Record<string, string>>
  readonly isAuto?: true
}

/** RunAs is the user of the system that a command runs as. */
export interface RunAs {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

/** StdioEndpoint is a command that speaks MCP on its standard input and output. */
export interface StdioEndpoint {
  readonly transport: 'stdio'
  readonly id: EndpointId
  readonly command: string
  readonly args: readonly string[]
  /** Added to the minimal environment that children get. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Undefined: the user of the router. */
  readonly runAs?: RunAs
  readonly weight: number
}

/** Endpoint is one dialable place of a Backend. */
export type Endpoint = HttpEndpoint | SseEndpoint | StdioEndpoint

/** Era of a revision: `legacy` with sessions (2024-11-05 … 2025-11-25), `modern` without (2026-07-28). */
export type Era = 'legacy' | 'modern'

/** Backend is a named MCP server as the operator registered it. */
export interface Backend {
  readonly name: BackendName
  readonly endpoints: readonly Endpoint[]
  /** How long a `call` may take before it is answered 504, ms. */
  readonly deadlineMs: number
  /** What its http Endpoints speak, as configured: with sessions, without, or to be found out. */
  readonly era: Era | 'auto'
  /** `always`: every call may run twice, as the operator says; `safe`: only those that say so of themselves. */
  readonly retry: 'safe' | 'always'
}
