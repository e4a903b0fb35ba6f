import { answerJson, echo, messageIn, openHttp, respond } from './http.js'
import type { Asked, HttpServer } from './http.js'

export interface TestEndpoint extends HttpServer {
  readonly url: string
  /** The JSON-RPC methods that it was asked for. */
  methods(): readonly (string | undefined)[]
  /** Forgets every session, as a restart would. */
  forget(): void
}

export interface EndpointOptions {
  /** Answers initialize in its place. */
  readonly greet?: ((asked: Asked) => unknown) | undefined
  readonly capabilities?: object | undefined
  /** Which sessions there are is for the test to say. */
  readonly knowsAll?: boolean
}

/**
 * openEndpoint is a Streamable HTTP server of the legacy era: it opens the sessions `s-1`, `s-2` …, knows no others, takes notifications, and leaves
 * requests, responses and GET streams to `answer`.
 */
export const openEndpoint = async (
  answer: (asked: Asked) => unknown = echo,
  { greet, capabilities = {}, knowsAll = false }: EndpointOptions = {},
): Promise<TestEndpoint> => {
  const known = new Set<string>()
  let opened = 0

  const initialize = (asked: Asked): void => {
    const session = `s-${++opened}`
    known.add(session)
    // Spaced as no serialiser does.
    const result = `{"protocolVersion":"2025-06-18", "capabilities":${JSON.stringify(capabilities)} , "serverInfo":{"name":"${session}","version":"1"}}`
    const body = `{"result":${result},"id":${JSON.stringify(asked.message.id)}, "jsonrpc":"2.0" }`
    answerJson(asked, body, { headers: { 'mcp-session-id': session } })
  }

  const server = await openHttp((asked) => {
    const { method, headers, message, res } = asked
    if (!messageIn(asked.text)) res.writeHead(400).end('not JSON')
    else if (message.method === 'initialize') return (greet ?? initialize)(asked)
    else if (!knowsAll && !known.has(String(headers['mcp-session-id'])))
      res.writeHead(404).end('no session')
    else if (method === 'DELETE') res.writeHead(200).end()
    else if (method === 'POST' && message.id === undefined) res.writeHead(202).end()
    else return answer(asked)
    return undefined
  })
  return {
    ...server,
    url: `${server.origin}/mcp`,
    methods: () => server.asked.map(({ message }) => message.method),
    forget: () => known.clear(),
  }
}

export interface ModernEndpointOptions {
  /** It answers server/discover once this is. */
  readonly ready?: Promise<unknown>
  /** What it answers that with. */
  readonly discovered?: object
}

/** openModernEndpoint is a server of revision 2026-07-28: it answers server/discover, which is not among what was `asked`, and leaves the rest to `answer`. */
export const openModernEndpoint = async (
  answer: (asked: Asked) => unknown,
  {
    ready = Promise.resolve(),
    discovered = { supportedVersions: ['2026-07-28'], capabilities: {} },
  }: ModernEndpointOptions = {},
): Promise<{ readonly url: string; readonly asked: Asked[] }> => {
  const all: Asked[] = []
  const { origin } = await openHttp(async (asked) => {
    if (asked.message.method === 'server/discover') {
      await ready
      respond(asked, discovered)
      return
    }
    all.push(asked)
    await answer(asked)
  })
  return { url: `${origin}/mcp`, asked: all }
}
