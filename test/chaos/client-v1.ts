import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport, SseError } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { userAnswer } from './call.js'
import type { ChaosClient, ConnectSpec } from './client.js'
import { limits, textOf } from './exchange.js'
import { watchFetch } from './watched-fetch.js'
import type { WatchedFetch } from './watched-fetch.js'

/** connectSse speaks the transport of 2024-11-05; its EventSource comes back by itself. */
export const connectSse = (spec: ConnectSpec): Promise<ChaosClient> => {
  const watched = watchFetch('always')
  const url = new URL(`${spec.gateway}/sse/${spec.backend}`)
  url.searchParams.set('clientId', spec.clientId)
  const transport = new SSEClientTransport(url, { fetch: watched.fetch })
  // With a status, EventSource has given up: it comes back from lost connections only.
  const isFinal = (error: Error): boolean => error instanceof SseError && error.code !== undefined
  return connected(transport, watched, isFinal, { end: () => Promise.resolve() })
}

/** connectHttp speaks Streamable HTTP with a session. */
export const connectHttp = (spec: ConnectSpec): Promise<ChaosClient> => {
  const watched = watchFetch('with ids')
  const url = new URL(`${spec.gateway}/mcp/${spec.backend}`)
  const transport = new StreamableHTTPClientTransport(url, { fetch: watched.fetch })
  return connected(transport, watched, () => false, {
    end: () => transport.terminateSession(),
    // Without an id it is a new stream beside the one that is open.
    listen: () => transport.resumeStream(''),
  })
}

interface Ways {
  readonly end: () => Promise<void>
  readonly listen?: () => Promise<void>
}

const connected = async (
  transport: Transport,
  watched: WatchedFetch,
  isFinal: (error: Error) => boolean,
  { end, listen }: Ways,
): Promise<ChaosClient> => {
  let lost: string | undefined
  const client = new Client(
    { name: 'chaos', version: '1.0.0' },
    { capabilities: { elicitation: { form: {} } } },
  )
  client.setRequestHandler(ElicitRequestSchema, () => ({
    action: 'accept',
    content: { answer: userAnswer },
  }))
  client.onerror = (error) => {
    if (isFinal(error)) lost ??= String(error)
  }
  try {
    await client.connect(transport, { timeout: limits.connectMs })
    await client.listTools(undefined, { timeout: limits.connectMs })
  } catch (error) {
    await client.close().catch(() => undefined)
    throw error
  }
  return {
    async call({ tool, steps, ...args }, signal) {
      const params = { name: tool, arguments: { ...args, steps } }
      const result = await client.callTool(params, undefined, {
        signal,
        timeout: limits.sdkMs,
        ...(steps > 0 && { onprogress: () => undefined }),
      })
      return textOf(result)
    },
    cut: watched.cut,
    cuttable: watched.resumable,
    answer: watched.answer,
    undelivered: watched.undelivered,
    lost: () => lost,
    canListenAgain: listen !== undefined,
    listenAgain: () => void listen?.().catch(() => undefined),
    async abandon() {
      await watched.close()
      await client.close()
    },
    async close() {
      await end().catch(() => undefined)
      await client.close()
      await watched.close()
    },
  }
}
