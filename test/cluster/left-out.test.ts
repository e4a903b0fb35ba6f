import { readFileSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ownCluster, type OwnCluster } from './own-cluster.js'

let cluster: OwnCluster

beforeEach(async () => {
  cluster = await ownCluster()
  const text = readFileSync(cluster.serversFile, 'utf8')
  writeFileSync(cluster.serversFile, `${text}  other: { url: "http://127.0.0.1:1/\${A_PATH}" }\n`)
})
afterEach(() => cluster.close())

const env = { A_PATH: 'mcp' }

it('start and status say what the instances serve, and restart what it leaves out', async () => {
  const started = await cluster.run(['cluster', 'start'], { env })
  expect([started.code, started.text]).toEqual([0, expect.not.stringContaining('left out')])

  // A shell without the variable.
  for (const verb of ['start', 'status']) {
    const { text } = await cluster.run(['cluster', verb])
    expect(text).not.toMatch(/left out|A_PATH/)
  }
  const { code, text } = await cluster.run(['cluster', 'restart'])
  expect(text).toMatch(/^server "other" will be left out by this restart: .*A_PATH is not set/m)
  expect(text).toContain('the running instances serve "other": to keep it, ')
  expect(text.indexOf('to keep it')).toBeLessThan(text.indexOf('stopped (pid'))
  expect(code).toBe(0)

  // And a shell with it says what they do not serve.
  for (const verb of ['start', 'status']) {
    const told = await cluster.run(['cluster', verb], { env })
    expect(told.text).toMatch(/^server "other" is left out: .*A_PATH is not set/m)
  }
  expect((await cluster.run(['cluster', 'restart'], { env })).text).not.toContain('left out')
  expect((await cluster.run(['cluster', 'status'])).text).not.toContain('left out')
})
