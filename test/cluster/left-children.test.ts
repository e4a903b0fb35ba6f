import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ownCluster, serversText, type OwnCluster } from './own-cluster.js'
import { isAlive, namesOf, start } from './own-processes.js'

// It stays although its input ends and it is asked to leave, as servers do that hold a browser.
const stubborn = `
import { createInterface } from 'node:readline'
process.on('SIGTERM', () => {})
setInterval(() => {}, 1000)
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  const result = method === 'initialize'
    ? { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } }
    : { tools: [] }
  console.log(JSON.stringify({ jsonrpc: '2.0', id, result }))
})`

let cluster: OwnCluster

beforeEach(async () => {
  cluster = await ownCluster()
})
afterEach(() => cluster.close())

const children = (): readonly number[] => {
  try {
    return readdirSync(join(cluster.runDir, 'children')).map(Number)
  } catch {
    return []
  }
}

const killInstances = (): void => {
  for (const name of namesOf(cluster))
    if (name.startsWith('router-')) process.kill(cluster.pidOf(name), 'SIGKILL')
}

it.each(['start', 'stop'])(
  'ends the stdio servers of a killed instance at the next %s',
  async (verb) => {
    const script = join(cluster.folder, 'stubborn.mjs')
    writeFileSync(script, stubborn)
    const entry = `  stubborn: { command: ${process.execPath}, args: ["${script}"] }\n`
    writeFileSync(cluster.serversFile, serversText(cluster.backendPort) + entry)
    await start(cluster)
    const response = await fetch(`${cluster.base}/mcp/router/route/stubborn`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    })
    expect(await response.json()).toMatchObject({ result: { tools: [] } })
    const left = children()
    expect(left).toHaveLength(1)
    killInstances()
    expect(left.map(isAlive)).toEqual([true])
    const { code, text } = await cluster.run(['cluster', verb])
    expect([code, text]).toEqual([0, expect.stringContaining('ended stdio servers of a killed')])
    await expect.poll(() => left.map(isAlive), { timeout: 10_000 }).toEqual([false])
    expect(children()).toEqual([])
  },
)
