import { longestMs } from '@mcp-router/core'
import { z } from 'zod'
import { decimal, flag, oneOf, refuse } from '../schema-values.js'
import { quoted } from '../without-credentials.js'

const transports = [
  ['http', 'http'],
  ['streamablehttp', 'http'],
  ['sse', 'sse'],
  ['stdio', 'stdio'],
  ['local', 'stdio'],
] as const

/** Other MCP programs write it in capitals, with `-` or `_`. */
const transport = z.string().transform((text, context) => {
  const plain = text.toLowerCase().replace(/[-_]/g, '')
  const found = transports.find(([name]) => name === plain)?.[1]
  return found ?? refuse(context, `${quoted(text)} is not one of http, sse, stdio, streamable-http`)
})

/**
 * isOwnHeader tells the headers that the router writes itself in a request to a server, so that another one would stand beside them: framing
 * and connection (RFC 9112), MCP's own, trace context. `host` is none: there the router gives way.
 */
export const isOwnHeader = (name: string): boolean =>
  ownHeaders.has(name.toLowerCase()) || /^mcp-param-/i.test(name)

const ownHeaders: ReadonlySet<string> = new Set([
  ...['content-length', 'transfer-encoding', 'te', 'trailer', 'connection', 'keep-alive'],
  ...['proxy-connection', 'upgrade', 'expect', 'accept-encoding', 'content-encoding'],
  ...['accept', 'content-type', 'last-event-id', 'traceparent', 'tracestate'],
  ...['mcp-session-id', 'mcp-protocol-version', 'mcp-method', 'mcp-name'],
])

const texts = z.record(z.string(), z.string())
const argument = z.string().regex(/^[^\0]*$/, 'has a NUL character, which no process can be given')
const variables = z.record(z.string(), argument).superRefine((held, context) => {
  const message = 'no process can be given a variable of this name'
  for (const name of Object.keys(held))
    if (!/^[^=\0]+$/.test(name)) context.addIssue({ code: 'custom', message, path: [name] })
})

/** serverSchema is what a Backend has beside its Endpoints. */
export const serverSchema = z.strictObject({
  endpoints: z.array(z.unknown()).min(1, 'there is no endpoint').optional(),
  /** Response deadline, s: how long a call may be without a response and without any message about it. */
  deadline: decimal(0.001, longestMs / 1000, ' of seconds').default(300),
  disabled: flag.default(false),
  /** What its http endpoints speak: with sessions, without, or to be found out. */
  era: oneOf(['auto', 'legacy', 'modern']).default('auto'),
  /** Which calls may run twice when an instance or a server goes away in the middle of one. */
  retry: oneOf(['safe', 'always']).default('safe'),
})

const endpointShape = {
  transport: transport.optional(),
  type: transport.optional(),
  weight: decimal(0, 1_000_000).default(1),
}

/** urlEndpointSchema is an Endpoint that is reached by URL. */
export const urlEndpointSchema = z.strictObject({
  ...endpointShape,
  url: z.string(),
  headers: texts.default({}),
  start: argument.optional(),
  /** Of what `start` runs. */
  env: variables.default({}),
  user: z.string().optional(),
})

/** commandEndpointSchema is an Endpoint that is run. */
export const commandEndpointSchema = z.strictObject({
  ...endpointShape,
  command: argument.regex(/\S/, 'the command is empty'),
  args: z.array(argument).default([]),
  env: variables.default({}),
  /** A file of `NAME=value` lines; `env` stands above it. */
  envFile: argument.regex(/\S/, 'the path is empty').optional(),
  cwd: argument.optional(),
  /** Whom the command runs as; only root may say so. */
  user: z.string().optional(),
})

/** entryKeys are all that an entry of the servers file may say. */
export const entryKeys: readonly string[] = [
  ...new Set(
    [serverSchema, urlEndpointSchema, commandEndpointSchema].flatMap(({ shape }) =>
      Object.keys(shape),
    ),
  ),
]
