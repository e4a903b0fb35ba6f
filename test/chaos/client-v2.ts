import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { userAnswer } from './call.js'
import type { ChaosClient, ConnectSpec } from './client.js'
import { limits, textOf } from './exchange.js'
import { watchFetch } from './watched-fetch.js'

/** connectModern speaks revision 2026-07-28: no session. The streams of its answers can be resumed here, although the revision does not have it. */
export const connectModern = async (spec: ConnectSpec): Promise<ChaosClient> => {
  const watched = watchFetch('never')
  const url = new URL(`${spec.gateway}/mcp/${spec.backend}`)
  const transport = new StreamableHTTPClientTransport(url, { fetch: watched.fetch })
  const client = new Client(
    { name: 'chaos', version: '1.0.0' },
    {
      capabilities: { elicitation: { form: {} } },
      versionNegotiation: { mode: { pin: '2026-07-28' } },
    },
  )
  client.setRequestHandler('elicitation/create', () => ({
    action: 'accept',
    content: { answer: userAnswer },
  }))
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
      const result = await client.callTool(params, {
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
    lost: () => undefined,
    canListenAgain: false,
    listenAgain: () => undefined,
    async abandon() {
      await watched.close()
      await client.close()
    },
    async close() {
      await client.close()
      await watched.close()
    },
  }
}
