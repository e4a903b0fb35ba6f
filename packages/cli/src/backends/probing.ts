import type { Env } from '@mcp-router/config'
import {
  createEras,
  createHttpClient,
  createProber,
  createTransports,
  createUpstreams,
} from '@mcp-router/upstream'

/** openProbing opens what probeEndpoint needs; closing it ends the commands that were started. */
export const openProbing = (env: Env, openTimeoutMs: number) => {
  const client = createHttpClient({ connectTimeoutMs: 3_000 })
  const prober = createProber({ client, env, openTimeoutMs })
  const eras = createEras({ client, env })
  const events = { emit: () => undefined }
  const upstreams = createUpstreams({
    client,
    events,
    env,
    eras,
    transports: createTransports(client),
    idleMs: 60_000,
    openTimeoutMs,
    maxProcesses: 1,
    maxLanes: 1,
    parkedMs: 10_000,
    toolsTtlMs: 60_000,
  })
  return {
    env,
    prober,
    pool: upstreams.pool,
    transports: upstreams.transports,
    async close(): Promise<void> {
      await Promise.all([prober.close(), eras.close(), upstreams.close()])
      await client.close()
    },
  }
}
