import type { Backend, Endpoint } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import {
  createHttpClient,
  createEras,
  createTransports,
  createUpstreams,
} from '@mcp-router/upstream'
import type { SharedUpstream } from '@mcp-router/upstream'
import { onTestFinished } from '../test/index.js'
import { backendOf } from './backend.js'
import { createEvents } from './listener.js'

/** openPool is a pool with everything that it needs, closed when the test has finished. */
export const openPool = (idleMs = 60_000, openTimeoutMs = 60_000) => {
  const client = createHttpClient({ connectTimeoutMs: 1_000 })
  const events = createEvents()
  const eras = createEras({ client, env: process.env })
  const upstreams = createUpstreams({
    client,
    events,
    env: process.env,
    eras,
    transports: createTransports(client),
    idleMs,
    openTimeoutMs,
    maxProcesses: 8,
    maxLanes: 256,
    parkedMs: 10_000,
    toolsTtlMs: 60_000,
  })
  const { pool } = upstreams
  onTestFinished(async () => {
    await upstreams.close()
    await eras.close()
    await client.close()
  })
  const open = (endpoint: Endpoint, backend: Backend = backendOf(endpoint)) =>
    pool.open(backend, endpoint)
  return { upstreams, pool, events, open }
}

/** ask sends a request and resolves with the bytes of its answer, as text. */
export const ask = (shared: SharedUpstream, message: Message): Promise<string> =>
  new Promise((resolve, reject) => {
    const onAnswer = (response: Buffer): void => resolve(response.toString())
    shared.exchange.request(message, { onAnswer, onFailed: reject })
  })
