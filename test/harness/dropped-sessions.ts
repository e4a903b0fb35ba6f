import { until } from '@mcp-router/testkit/wait'
import { expect } from 'vitest'
import type { Cluster } from './cluster.js'
import { ask, jsonHeaders } from './http.js'
import { initialize } from './rpc.js'

const atOnce = 16

/** openAndDrop opens so many sessions at `backend`, a few at a time, and ends none. */
export const openAndDrop = async (
  { gateway }: Cluster,
  backend: string,
  count: number,
): Promise<void> => {
  const body = initialize()
  const one = async (): Promise<void> => {
    const answer = await fetch(`${gateway}/mcp/${backend}`, {
      method: 'POST',
      headers: jsonHeaders,
      body,
    })
    await answer.arrayBuffer()
    expect(answer.status).toBe(200)
    expect(answer.headers.get('mcp-session-id')).not.toBeNull()
  }
  let left = count
  const some = async (): Promise<void> => {
    while (left-- > 0) await one()
  }
  await Promise.all(Array.from({ length: atOnce }, some))
}

/** sessionsForgotten resolves once neither Redis nor an Instance knows of a session. */
export const sessionsForgotten = async (cluster: Cluster): Promise<void> => {
  const noKeys = async (): Promise<boolean> => (await keysOfSessions(cluster)).length === 0
  await until('the records to expire', noKeys, 20_000)
  await until('the instances to forget', async () => (await held(cluster)) === 0, 20_000)
}

/** keysOfSessions is what is in Redis of sessions: their records, and all that hangs on them. */
const keysOfSessions = async ({ redis }: Cluster): Promise<readonly string[]> => {
  const keys: string[] = []
  for await (const some of redis.scanStream({ match: '*mcp:sessions:*', count: 1_000 }))
    keys.push(...(some as string[]))
  return keys
}

const held = async ({ instances }: Cluster): Promise<number> => {
  const all = await Promise.all(
    instances.map(async (instance) => {
      const { backends } = (await ask(`${instance}/api/status`)).json() as Status
      return backends.reduce((sum, { sessions }) => sum + sessions, 0)
    }),
  )
  return all.reduce((sum, each) => sum + each, 0)
}

interface Status {
  readonly backends: readonly { readonly sessions: number }[]
}
