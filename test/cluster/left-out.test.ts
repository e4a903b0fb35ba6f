import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ownCluster, serversText, type OwnCluster } from './own-cluster.js'
import { pidsOf } from './own-processes.js'

let cluster: OwnCluster

// The tests come one after the other upon what the one before has left running.
beforeAll(async () => {
  cluster = await ownCluster()
  const text = readFileSync(cluster.serversFile, 'utf8')
  writeFileSync(cluster.serversFile, `${text}  other: { url: "http://127.0.0.1:1/\${A_PATH}" }\n`)
})
afterAll(() => cluster.close())

const env = { A_PATH: 'mcp' }

it('start and status say what the instances serve, and restart leaves out only what is meant', async () => {
  const started = await cluster.run(['cluster', 'start'], { env })
  expect([started.code, started.text]).toEqual([0, expect.not.stringContaining('left out')])

  // A shell without the variable.
  for (const verb of ['start', 'status']) {
    const { text } = await cluster.run(['cluster', verb])
    expect(text).not.toMatch(/left out|A_PATH/)
  }
  const before = pidsOf(cluster)
  const refused = await cluster.run(['cluster', 'restart'])
  expect(refused.text).toMatch(/^server "other" is left out by this restart: .*A_PATH is not set/m)
  expect(refused.text).toContain('the running instances serve "other", and would not with the')
  expect(refused.text).toContain(
    'nothing was changed: correct that in this shell, or go on without',
  )
  expect(refused.text).toContain('(npm restart -- --leave-out)')
  expect([refused.code, pidsOf(cluster)]).toEqual([1, before])
  const meant = await cluster.run(['cluster', 'restart', '--leave-out'])
  expect([meant.code, meant.text]).toEqual([0, expect.stringContaining('restarted 2 instances')])
  // What they do not serve is not lost, nor a server whose entry was removed.
  expect((await cluster.run(['cluster', 'restart'])).code).toBe(0)
  const text = readFileSync(cluster.serversFile, 'utf8')
  writeFileSync(cluster.serversFile, serversText(cluster.backendPort))
  expect((await cluster.run(['cluster', 'restart'])).code).toBe(0)
  writeFileSync(cluster.serversFile, text)

  // And a shell with it says what they do not serve.
  for (const verb of ['start', 'status']) {
    const told = await cluster.run(['cluster', verb], { env })
    expect(told.text).toMatch(/^server "other" is left out: .*A_PATH is not set/m)
  }
  expect((await cluster.run(['cluster', 'restart'], { env })).text).not.toContain('left out')
  expect((await cluster.run(['cluster', 'status'])).text).not.toContain('left out')
})

it('another servers file without a server is no reason to lose it', async () => {
  await cluster.run(['cluster', 'start'], { env })
  const before = pidsOf(cluster)
  const file = join(cluster.folder, 'fewer.yaml')
  writeFileSync(file, serversText(cluster.backendPort))
  const fewer = { MCP_SERVERS_FILE: file }
  const { code, text } = await cluster.run(['cluster', 'restart'], { env: fewer })
  expect(text).toContain(`server "other" is left out by this restart: ${file} (MCP_SERVERS_FILE)`)
  expect(text).toContain('the running instances serve "other", and would not')
  expect([code, pidsOf(cluster)]).toEqual([1, before])
  const meant = await cluster.run(['cluster', 'restart', '--leave-out'], { env: fewer })
  expect(meant.code).toBe(0)
})
