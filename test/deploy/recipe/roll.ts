import { openSite } from '@mcp-router/testkit/nginx'
import { expect } from 'vitest'
import { ask } from '../../harness/http.js'
import type { Running } from '@mcp-router/testkit/process'
import { startLoad } from './load.js'
import { secrets } from './stage.js'

/** Roll is how a platform replaces one instance. */
export interface Roll {
  /** `host:port` of each instance. */
  readonly addresses: readonly string[]
  readonly token?: string
  /** Starts instance n and resolves once the platform counts it as ready. */
  start(n: number): Promise<Running>
  /** Ends it as the platform does, and resolves once it is gone. */
  stop(running: Running, n: number): Promise<void>
}

/** expectCalmRoll replaces all instances one by one under load, behind Nginx, and expects that no call fails. */
export const expectCalmRoll = async (roll: Roll): Promise<void> => {
  const { addresses, token } = roll
  const running = await Promise.all(addresses.map((_, n) => roll.start(n)))
  const { port } = await openSite({ instances: addresses, proxySecret: secrets.proxySecret })
  const base = `http://127.0.0.1:${port}`
  const load = await startLoad(base, token)
  await load.goOn(2)
  for (const [n, instance] of running.entries()) {
    await roll.stop(instance, n)
    await roll.start(n)
    await load.goOn(1)
  }
  expect(load.failures()).toEqual([])
  expect(await load.stop()).toBeGreaterThan(50)
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const { instances } = (await ask(`${base}/api/status`, { headers })).json()
  expect(instances).toHaveLength(addresses.length)
}

/** signalled ends a process by the signal of its platform, and expects that it has drained within its time. */
export const signalled = async (
  running: Running,
  signal: NodeJS.Signals,
  limitS: number,
): Promise<void> => {
  const from = performance.now()
  running.kill(signal)
  expect(await running.ended, running.output()).toBe(0)
  expect(performance.now() - from).toBeLessThan(limitS * 1_000)
}
