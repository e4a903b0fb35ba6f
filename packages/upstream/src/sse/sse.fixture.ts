import { beginEvents, openHttp } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { backendOf, createEvents, createHeard, sseEndpoint } from '@mcp-router/testkit/upstream'
import { onTestFinished } from 'vitest'
import { createHttpClient } from '../http/client.js'
import { openSseUpstream } from './upstream.js'

/** connect opens an SSE Upstream at a server, and keeps what it reports. */
export const connect = async (origin: string) => {
  const client = createHttpClient({ connectTimeoutMs: 1_000 })
  onTestFinished(() => client.close())
  const heard = createHeard()
  const endpoint = sseEndpoint(`${origin}/sse`, {
    headers: { 'x-key': 'k', 'x-secret': 'confidential' },
  })
  const backend = backendOf(endpoint)
  const events = createEvents()
  const upstream = await openSseUpstream({ client, endpoint, backend, listener: heard, events })
  const skipped = () =>
    events.all.flatMap((each) =>
      each.kind === 'upstream' && each.action === 'skipped' ? [each.reason] : [],
    )
  return { heard, upstream, skipped }
}

/** serve is a server whose stream begins with `first`; its POSTs are answered 202 unless `answer` does it. */
export const serve = async (
  first: string,
  answer = (asked: Asked) => void asked.res.writeHead(202).end(),
) => {
  const server = await openHttp((asked) => {
    if (asked.method !== 'GET') {
      answer(asked)
      return
    }
    beginEvents(asked)
    asked.res.write(first)
  })
  const stream = () => server.asked[0]!.res
  return { server, stream }
}

export const endpointEvent = (address: string) => `event: endpoint\ndata: ${address}\n\n`
