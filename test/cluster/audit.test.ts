import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** audit runs scripts/audit.sh against a registry that answers its audit with this. */
const audit = async (status: number, answer: unknown) => {
  const asked: string[] = []
  const registry = createServer((req, res) => {
    asked.push(`${req.method ?? ''} ${req.url ?? ''}`)
    req.resume().on('end', () => {
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    })
  })
  await once(registry.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void registry.close())
  const { port } = registry.address() as AddressInfo
  const child = spawn('scripts/audit.sh', [], {
    cwd: root,
    env: { ...process.env, npm_config_registry: `http://127.0.0.1:${port}/` },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()))
  const [code] = (await once(child, 'close')) as [number]
  return { code, text, asked }
}

const advisory = (severity: string) => ({
  module_name: 'express',
  severity,
  title: 'Something is wrong',
  url: 'https://advisories.example/1',
  vulnerable_versions: '<9',
  patched_versions: '>=9',
  findings: [{ version: '5.0.0', paths: ['.>express'] }],
  cves: [],
  github_advisory_id: 'GHSA-1',
})
const report = (...severities: readonly string[]) => ({
  advisories: Object.fromEntries(severities.map((each, n) => [String(n), advisory(each)])),
  metadata: { vulnerabilities: {}, dependencies: 1 },
})

it.each(['high', 'critical'])('fails for an advisory of %s severity', async (severity) => {
  const { code, text, asked } = await audit(200, report('low', severity))
  expect(asked.length).toBeGreaterThan(0)
  expect(text).toContain(`audit: ${severity} · express · <9 · Something is wrong · fixed in >=9`)
  expect(text).toContain('2 advisories for what runs in production, 1 high or critical')
  expect(code).toBe(1)
})

it.each([[[]], [['low', 'moderate']]])('passes for advisories %j', async (severities) => {
  const { code, text } = await audit(200, report(...severities))
  expect(text).toContain(`${severities.length} advisories`)
  expect(code).toBe(0)
})

it('says so and passes where the registry offers no audit', async () => {
  const { code, text } = await audit(405, {})
  expect(text).toMatch(/^audit: not done, the registry offers none: .*405/)
  expect(code).toBe(0)
})
