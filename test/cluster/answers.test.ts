import { setTimeout as wait } from 'node:timers/promises'
import { createRandom } from '@mcp-router/testkit/random'
import type { Random } from '@mcp-router/testkit/random'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createJudge } from '../harness/answers/judge.js'
import { live } from '../harness/answers/living.js'
import { windowKinds } from '../harness/answers/window.js'
import { memberAt } from '../harness/owner.js'
import { useCluster } from '../harness/use-cluster.js'
import { openHostileServers } from '../hostile/servers.js'
import type { HostileServers } from '../hostile/servers.js'

/** Set ANSWERS_SEED to what a failed run printed, and clients and faults come in the same order again. */
const seed = Number(process.env['ANSWERS_SEED'] ?? Date.now() % 1_000_000_000)
const seconds = Number(process.env['ANSWERS_SECONDS'] ?? 25)
const clients = 12

const backends = ['calm', 'calm-sse', 'calm-stdio', 'calm-modern'] as const

/** Asked for by ANSWERS_SECONDS. */
const isAsked = process.env['ANSWERS_SECONDS'] !== undefined

describe.runIf(isAsked)('a cluster that is hurt', () => {
  let servers: HostileServers
  beforeAll(async () => {
    servers = await openHostileServers(seed, 0)
  })
  afterAll(() => servers.close())
  const cluster = useCluster(() => ({
    servers: servers.entries,
    env: { MCP_LEASE_MS: '3000', ...servers.env },
  }))

  const signal = (pid: number, name: NodeJS.Signals): void => {
    try {
      process.kill(pid, name)
    } catch {
      // Its supervisor has not started it again yet.
    }
  }
  const killed = async (pid: number, downMs: number): Promise<void> => {
    signal(pid, 'SIGKILL')
    await wait(downMs)
    await cluster().restart()
  }
  const paused = async (pid: number, ms: number): Promise<void> => {
    signal(pid, 'SIGSTOP')
    await wait(ms)
    signal(pid, 'SIGCONT')
  }

  const inflict = (random: Random): Promise<void> => {
    const instance = memberAt(cluster(), random.below(3)).pid
    const kind = random.below(10)
    if (kind < 5) return killed(instance, 0)
    if (kind < 8) return paused(instance, 500 + random.below(4_500))
    return killed(cluster().pids().get('redis') ?? NaN, random.pick([500, 3_000, 7_000]))
  }

  it(
    `delivers to each call its own answer, or none (ANSWERS_SEED=${seed})`,
    { timeout: (seconds + 120) * 1_000 },
    async () => {
      process.stdout.write(`answers: ANSWERS_SEED=${seed}\n`)
      const judge = createJudge()
      const over = new AbortController()
      const living = Array.from({ length: clients }, (_, n) =>
        live(
          {
            gateway: cluster().gateway,
            server: backends[n % backends.length] ?? 'calm',
            revision:
              windowKinds[Math.floor(n / backends.length) % windowKinds.length] ?? '2024-11-05',
            name: `client-${n}`,
            random: createRandom(seed * 1_000 + n),
            judge,
          },
          over.signal,
        ),
      )
      const random = createRandom(seed)
      const end = Date.now() + seconds * 1_000
      let faults = 0
      while (Date.now() < end) {
        await wait(500 + random.below(1_500))
        await inflict(random)
        faults++
      }
      const before = judge.answered()
      await wait(3_000)
      over.abort()
      await Promise.all(living)
      process.stdout.write(`${judge.answered()} answers, ${faults} faults\n`)
      expect(judge.wrong).toEqual([])
      expect(judge.answered()).toBeGreaterThan(before)
      expect(faults).toBeGreaterThan(3)
    },
  )
})
