import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { processAt, run } from '@mcp-router/testkit/process'
import { afterAll, expect, it } from 'vitest'

// The short form of `npm run chaos`: what it does and counts is told in test/chaos/README.md.

const chaos = fileURLToPath(new URL('../chaos/dist/chaos/main.js', import.meta.url))

/** CHAOS_SEED has other things happen. */
const seed = String(Number(process.env['CHAOS_SEED'] ?? 7))
const seconds = '30'
const everyMs = '3000'
/** What the cluster is known to bear; `npm run chaos` has all. */
const kinds = [
  ...['instance-kill', 'instance-stop', 'instance-term', 'endpoint-kill', 'child-kill'],
  ...['redis-kill', 'nginx-reload', 'cut', 'second-get'],
].join()
const tools = 'read,set,append,ask'
/** Half a minute is usual; a machine that is busy with something else takes longer. */
const limitMs = 180_000

const folder = mkdtempSync(join(tmpdir(), 'mcp-chaos-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Report {
  readonly figures: readonly Readonly<Record<string, unknown>>[]
  readonly faults: readonly unknown[]
  readonly targets: readonly { readonly text: string; readonly passed: boolean }[]
}

it(
  'loses nothing while instances, endpoints, Redis, Nginx and connections come and go',
  { timeout: limitMs },
  async () => {
    process.stdout.write(`chaos: CHAOS_SEED=${seed}\n`)
    const json = join(folder, 'report.json')
    const chosen = ['--seed', seed, '--faults', kinds, '--tools', tools]
    const args = [...chosen, '--seconds', seconds, '--every', everyMs, '--json', json]
    const running = run([chaos, ...args], { MCP_RUN_DIR: folder })
    await running.ended
    const output = running.output()
    const { figures, faults, targets } = JSON.parse(readFileSync(json, 'utf8')) as Report
    expect(figures.at(-1), output).toMatchObject({
      ...{ failed: 0, hung: 0, wrong: 0, forgot: 0, twice: 0, lost: 0 },
    })
    // How soon things recover depends on what else the machine does.
    const missed = targets.filter(({ text, passed }) => !passed && !text.startsWith('recovery'))
    expect(missed, output).toEqual([])
    expect(faults.length, output).toBeGreaterThan(8)
    expect(processAt(running.pid)).toBeUndefined()
  },
)
