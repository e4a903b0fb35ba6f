import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { openCluster } from '../harness/cluster.js'
import { serve } from '../harness/serve.js'
import { drive } from '../hostile/drive.js'
import type { Driven } from '../hostile/drive.js'
import { openHostileServers } from '../hostile/servers.js'
import type { HostileServers } from '../hostile/servers.js'
import { watchInstances } from '../hostile/vitals.js'
import type { Vitals } from '../hostile/vitals.js'

/** Set FUZZ_SEED to what a failed run printed, and it does the same again; FUZZ_FROM and FUZZ_STEPS choose the steps. */
const numberOf = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise)
const seed = numberOf('FUZZ_SEED', Date.now() % 1_000_000_000)
const from = numberOf('FUZZ_FROM', 1)
const steps = numberOf('FUZZ_STEPS', 400)
/** One at a time tells which step is to blame. */
const atOnce = numberOf('FUZZ_AT_ONCE', 12)
const isLong = steps > 1_000
const firsts = isLong ? 160 : 24
const limitMs = isLong || atOnce === 1 ? 3_600_000 : 25_000

/** What an instance writes where something failed that nobody waited for. A command may write what it likes. */
const accidents = /uncaught|unhandled|heap out of memory|^\s+at .+:\d+:\d+\)?$/i

const judge = async (base: string, vitals: Vitals, log: () => string): Promise<void> => {
  process.stdout.write(`fuzz of servers: FUZZ_SEED=${seed} FUZZ_FROM=${from} FUZZ_STEPS=${steps}\n`)
  const run = { base, seed, from, steps, firsts, atOnce, limitMs, vitals }
  const driven = await drive(run)
  const said = `${driven.steps} steps, ${driven.calmCalls} calm calls, ${vitals.peakMiB()} MiB at most`
  process.stdout.write(`${said}\n`)
  expect(tally(driven), `FUZZ_SEED=${seed}`).toEqual([])
  const own = log()
    .split('\n')
    .filter((line) => !line.includes('"from":"stderr"'))
  expect(own.find((line) => accidents.test(line))).toBeUndefined()
  // A few steps are over before much else can be called.
  expect(driven.calmCalls).toBeGreaterThan(Math.min(20, driven.steps))
}

/** tally is the faults, those of one kind together. */
const tally = ({ faults }: Driven): readonly string[] => {
  const kinds = new Set(faults.map(({ kind }) => kind))
  return [...kinds].map((kind) => {
    const all = faults.filter((fault) => fault.kind === kind)
    const shown = all.slice(0, 12).map(({ step, text }) => `  ${step}\n    ${text}`)
    return `${kind}, ${all.length} times:\n${shown.join('\n')}`
  })
}

/** Asked for by `npm run chaos -- --servers`, or by FUZZ_STEPS. */
const isAsked = process.env['FUZZ_STEPS'] !== undefined

describe.runIf(isAsked)('odd answers of servers', () => {
  let servers: HostileServers
  beforeAll(async () => {
    servers = await openHostileServers(seed, firsts)
  })
  afterAll(() => servers.close())

  it('harm nobody at a single instance', { timeout: limitMs + 120_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mcp-test-'))
    const file = join(folder, 'servers.yaml')
    writeFileSync(file, stringify({ servers: servers.entries }))
    const served = await serve(['--servers', file], servers.env)
    const vitals = watchInstances(() => new Map([['instance', served.process.pid]]))
    try {
      await judge(served.url, vitals, () => served.process.output())
    } finally {
      await served.process.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('harm nobody in the cluster', { timeout: limitMs + 180_000 }, async () => {
    const cluster = await openCluster({ servers: servers.entries, env: servers.env })
    const instances = (): ReadonlyMap<string, number> =>
      new Map([...cluster.pids()].filter(([name]) => name.startsWith('router-')))
    try {
      await judge(cluster.gateway, watchInstances(instances), () => cluster.logs(10_000))
    } finally {
      await cluster.close()
    }
  })
})
