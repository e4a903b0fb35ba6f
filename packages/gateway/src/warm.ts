import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Backend, BackendName, EndpointId, EventSink, InstanceId } from '@mcp-router/core'
import { createRouter } from '@mcp-router/router'
import { createRegistry, createStoreGuard, memoryStore } from '@mcp-router/store'
import {
  createEras,
  createHttpClient,
  createLoopGuard,
  createTransports,
  createUpstreams,
  headerOf,
  post,
} from '@mcp-router/upstream'
import type { HttpAnswer } from '@mcp-router/upstream'
import { listen } from './listener/listener.js'
import { aloneLive } from './live.js'

/** Calls of each kind, a few at a time: enough for the compiler to have seen the path. */
const rounds = 40
const atOnce = 8

/**
 * warmUp sends calls through a second data plane of this process, against a stub on loopback, before the Instance says that it is ready:
 * the first second of a cold process costs two to four times as much per call, and that would be clients' time.
 */
export const warmUp = async (): Promise<void> => {
  const stub = await serve(answerAsStub)
  const client = createHttpClient({ connectTimeoutMs: 1_000 })
  const store = memoryStore({ sessionTtlMs: 60_000, leaseMs: 60_000 })
  const events: EventSink = { emit: () => undefined }
  const eras = createEras({ client })
  const upstreams = createUpstreams({
    client,
    events,
    env: {},
    eras,
    transports: createTransports(client),
    idleMs: 60_000,
    openTimeoutMs: 60_000,
    maxProcesses: 1,
    maxLanes: 1,
    parkedMs: 10_000,
    toolsTtlMs: 60_000,
  })
  const registry = createRegistry()
  registry.publish([stubBackend(`${stub.address}/mcp`)])
  const router = createRouter({
    instance: 'warm-up' as InstanceId,
    registry,
    sessions: store.sessions,
    membership: store.membership,
    callLog: store.callLog,
    orphans: store.orphans,
    generation: () => store.generation(),
    client,
    loops: createLoopGuard('warm-up'),
    ...upstreams,
    admission: { admit: () => ({ name: 'warm-up' }) },
    broadcast: aloneLive(),
    events,
    clusterSecret: 'warm-up',
    leaseHeldSince: () => 0,
    guard: createStoreGuard(5_000),
    options: {
      maxBodyBytes: 65_536,
      sessionTtlMs: 60_000,
      touchMs: 60_000,
      keepAliveMs: 60_000,
      inputTtlMs: 60_000,
      endpointPatienceMs: 0,
      idleUpstreamMs: 60_000,
      openTimeoutMs: 60_000,
      maxSessions: 1_000,
      maxStdioSessions: 1_000,
      maxHandshakeBytes: 65_536,
      streamPatienceMs: 30_000,
      maxReplayBytes: 268_435_456,
    },
  })
  const limits = { requestHeadMs: 60_000, requestMs: 60_000, idleConnectionMs: 60_000 }
  const front = await listen('127.0.0.1', 0, limits, {
    serve: (req, res) => router.handle(req, res),
    otherwise: (_req, res) => res.destroy(),
  })
  try {
    const send = (path: string, body: string, extra: string[] = []): Promise<HttpAnswer> =>
      post(client, front.address + path, {
        method: 'POST',
        headers: ['content-type', 'application/json', 'accept', '*/*', ...extra],
        body: Buffer.from(body),
      }).answer
    const opened = await send('/mcp/stub', request('initialize'))
    const session = ['mcp-session-id', headerOf(opened, 'mcp-session-id')]
    for (let round = 0; round < rounds; round++) {
      const calls = Array.from({ length: atOnce }, (_, at) =>
        at % 2 === 0
          ? send('/mcp/stub', request('tools/call'), session)
          : send('/mcp/router/route/stub', request('tools/call')),
      )
      await Promise.all(calls)
    }
  } finally {
    await router.drain(0)
    await upstreams.close()
    await client.close()
    await store.close()
    await front.close()
    stub.close()
  }
}

const stubBackend = (url: string): Backend => ({
  name: 'stub' as BackendName,
  endpoints: [{ transport: 'http', id: 'stub#1' as EndpointId, url, weight: 1, headers: {} }],
  deadlineMs: 10_000,
  era: 'legacy',
  retry: 'safe',
})

const request = (method: string): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { name: 'warm-up', arguments: {} } })

const answerAsStub: RequestListener = (req, res) => {
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.on('end', () => {
    const id = /"id":("[^"]*"|\d+)/.exec(Buffer.concat(chunks).toString('latin1'))?.[1] ?? '0'
    const result = '{"protocolVersion":"2025-11-25","content":[],"capabilities":{}}'
    res.setHeader('content-type', 'application/json').setHeader('mcp-session-id', 'stub')
    res.end(`{"jsonrpc":"2.0","id":${id},"result":${result}}`)
  })
}

interface Served {
  readonly address: string
  close(): void
}

const serve = async (onRequest: RequestListener): Promise<Served> => {
  const server = createServer(onRequest)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  // A server that listens on TCP has an AddressInfo.
  const { port } = server.address() as AddressInfo
  return {
    address: `http://127.0.0.1:${port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
