import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRandom } from '@mcp-router/testkit/random'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { openConformanceFixture } from '../conformance/fixture.js'
import type { ConformanceFixture } from '../conformance/fixture.js'
import type { Sessions } from '../harness/fuzz/envelope.js'
import { openExchange } from '../harness/fuzz/exchange.js'
import { faultsOf } from '../harness/fuzz/judge.js'
import { nextRequest } from '../harness/fuzz/request.js'
import type { Sent } from '../harness/fuzz/request.js'
import { ask, post } from '../harness/http.js'
import { request, textOf, toolCall } from '../harness/rpc.js'
import { serve } from '../harness/serve.js'
import type { Served } from '../harness/serve.js'

const requests = 10_000
const atOnce = 24
const boundMs = 10_000
const shownFaults = 20
/** Ten to thirty seconds are usual; a machine that is busy with something else takes longer. */
const limitMs = 120_000

/** Set FUZZ_SEED to what a failed run printed, and it sends the same again. */
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000_000)

let folder = ''
let fixtures: readonly ConformanceFixture[] = []
let served: Served

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-test-'))
  fixtures = await Promise.all([
    openConformanceFixture('http-stateful'),
    openConformanceFixture('http-modern'),
  ])
  const [legacy, modern] = fixtures
  const file = join(folder, 'servers.yaml')
  writeFileSync(file, stringify({ servers: { legacy: entry(legacy), modern: entry(modern) } }))
  served = await serve(['--servers', file])
})
afterAll(async () => {
  await served.process.stop()
  await Promise.all(fixtures.map((fixture) => fixture.close()))
  rmSync(folder, { recursive: true, force: true })
})

const entry = (fixture: ConformanceFixture | undefined) => ({ url: fixture?.url })

const openSession = async (protocolVersion: string): Promise<string> => {
  const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'fuzz', version: '1' } }
  const opened = await post(`${served.url}/mcp/legacy`, request(0, 'initialize', params))
  return String(opened.headers['mcp-session-id'])
}

const isHealthy = async (): Promise<boolean> =>
  !served.process.hasEnded() && (await ask(`${served.url}/health`)).status === 200

const shown = ({ method, path, headers, body }: Sent): string =>
  `${method} ${path} ${JSON.stringify(headers)} ${body.toString().slice(0, 500)}`

it(
  `answers ${requests} spoilt messages as it should (FUZZ_SEED=${seed})`,
  async () => {
    process.stdout.write(`fuzz: FUZZ_SEED=${seed}\n`)
    const random = createRandom(seed)
    const sessions: Sessions = {
      batches: await openSession('2025-03-26'),
      latest: await openSession('2025-11-25'),
    }
    const exchange = openExchange(served.url, boundMs)
    const faults: string[] = []
    const statuses = new Map<number, number>()
    let n = 0

    const run = async (): Promise<void> => {
      while (n < requests && faults.length < shownFaults) {
        const sent = nextRequest(random, ++n, sessions)
        const number = n
        try {
          const heard = await exchange.send(sent)
          statuses.set(heard.status, (statuses.get(heard.status) ?? 0) + 1)
          for (const fault of faultsOf(sent, heard)) {
            faults.push(
              `${number}: ${fault} in ${heard.status} ${heard.text.slice(0, 500)} to ${shown(sent)}`,
            )
          }
        } catch (error) {
          faults.push(`${number}: ${String(error)} to ${shown(sent)}`)
        }
        if (number % 1_000 === 0 && !(await isHealthy())) faults.push(`${number}: not healthy`)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, run))
    exchange.close()

    expect(faults).toEqual([])
    expect(await isHealthy()).toBe(true)
    // Enough of them got through to a server, and enough did not.
    for (const status of [200, 202, 400, 404, 405, 406, 415]) {
      expect([status, statuses.get(status) ?? 0]).toEqual([
        status,
        expect.toSatisfy((count: number) => count > 10),
      ])
    }
    for (const session of Object.values(sessions)) {
      const headers = { 'mcp-session-id': String(session) }
      const answer = await post(
        `${served.url}/mcp/legacy`,
        toolCall('on', 'test_simple_text'),
        headers,
      )
      expect(textOf(answer.messages()[0] ?? '')).toContain('simple text')
    }
  },
  limitMs,
)
