import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ownCluster, type OwnCluster } from './own-cluster.js'
import { isAlive, namesOf, pidFilesOf, pidsOf, start } from './own-processes.js'

let cluster: OwnCluster

beforeEach(async () => {
  cluster = await ownCluster()
})
afterEach(() => cluster.close())

describe('stop', () => {
  it('ends everything and says so, then says that nothing was running', async () => {
    await start(cluster)
    const before = pidsOf(cluster)
    const { code, text } = await cluster.run(['cluster', 'stop'])
    const elsewhere = `${cluster.runDir}-2`
    const status = await cluster.run(['cluster', 'status'], { env: { MCP_RUN_DIR: elsewhere } })
    expect(status.text).toContain(`nothing is running in ${elsewhere} (MCP_RUN_DIR)`)
    for (const name of namesOf(cluster)) expect(text).toMatch(new RegExp(`${name} +stopped`))
    expect(code).toBe(0)
    expect(before.filter(isAlive)).toEqual([])
    expect(await cluster.run(['cluster', 'stop'])).toEqual({
      code: 0,
      text: `nothing was running in ${cluster.runDir} (MCP_RUN_DIR)\n`,
    })
  })

  it('does not touch a stranger who has the number of an old process', async () => {
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    mkdirSync(join(cluster.runDir, 'pids'), { recursive: true })
    writeFileSync(join(cluster.runDir, 'pids', 'redis.pid'), `${stranger.pid!}\n`)
    writeFileSync(join(cluster.runDir, 'pids', 'redis.start'), 'long ago')
    const { text } = await cluster.run(['cluster', 'stop'])
    expect(text).toContain(`removed its old pid file (pid ${stranger.pid!})`)
    expect(pidFilesOf(cluster)).toEqual([])
    expect(stranger.exitCode).toBeNull()
    expect(isAlive(stranger.pid!)).toBe(true)
    stranger.kill()
    await once(stranger, 'exit')
  })
})

it('a restart says first where nothing is running', async () => {
  const { code, text } = await cluster.run(['cluster', 'restart'])
  expect(text).toContain(`nothing is running in ${cluster.runDir} (MCP_RUN_DIR): starting\n`)
  expect(text.indexOf('starting')).toBeLessThan(text.indexOf('ready in'))
  expect(code).toBe(0)
})

/** Calls one after the other until `end`, and resolves with status and body of all answers. */
const callUntil = async (base: string, end: Promise<unknown>): Promise<readonly string[]> => {
  const answers: string[] = []
  const ended = end.then(() => 'ended')
  while ((await Promise.race([ended, listTools(base, answers)])) !== 'ended');
  return answers
}

const listTools = async (base: string, answers: string[]): Promise<void> => {
  const response = await fetch(`${base}/mcp/router/route/example`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
  })
  answers.push(`${response.status} ${await response.text()}`)
}

describe('status and logs', () => {
  it('tells that nothing runs', async () => {
    const { code, text } = await cluster.run(['cluster', 'status'])
    expect(text).toContain('not running')
    expect(code).toBe(1)
  })

  it('names a server that is left out', async () => {
    writeFileSync(cluster.serversFile, 'servers:\n  ok: { command: node }\n  bad: { ulr: x }\n')
    const { text } = await cluster.run(['cluster', 'status'])
    expect(text).toMatch(/^server "bad" is left out: .*unknown key "ulr"/m)
  })
})

// Each test begins with what the one before has left.
describe('of a cluster that runs', () => {
  let running: OwnCluster

  beforeAll(async () => {
    running = await ownCluster()
    await start(running)
  })
  afterAll(() => running.close())

  it('logs shows the end of the log of a port', async () => {
    const [port] = running.instancePorts
    const { code, text } = await running.run(['cluster', 'logs', String(port), '--no-follow'])
    expect(text).toContain('ready')
    expect(code).toBe(0)
  })

  it('restart takes the instances one at a time, and calls are answered all the while', async () => {
    const before = pidsOf(running)
    const restarting = running.run(['cluster', 'restart'])
    const answers = await callUntil(running.base, restarting)
    const { code, text } = await restarting
    expect(text).not.toContain('nothing is running')
    expect(text).toContain('restarted 2 instances')
    expect(code).toBe(0)
    const changed = namesOf(running).filter((name) => !before.includes(running.pidOf(name)))
    expect(changed).toEqual(namesOf(running).filter((name) => name.startsWith('router-')))
    expect(answers.filter((answer) => answer.startsWith('200'))).not.toEqual([])
    // 503: Nginx found no instance. What a drain may do to a call under way is for the chaos tests.
    expect(answers.filter((answer) => answer.startsWith('503'))).toEqual([])
  })

  it('restart with a server that cannot be started restarts the instances all the same, names it and fails', async () => {
    const before = pidsOf(running)
    const text = readFileSync(running.serversFile, 'utf8')
    const url = 'http://127.0.0.1:1/mcp'
    writeFileSync(running.serversFile, `${text}  mine: { url: "${url}", start: node nothing.js }\n`)
    const ran = await running.run(['cluster', 'restart'])
    expect(ran.text).toMatch(/server mine: there is no .*nothing.js; build it/)
    expect(ran.text).toContain('restarted 2 instances')
    expect(ran.text).toContain('not started: server mine')
    writeFileSync(running.serversFile, text)
    expect(ran.code).toBe(1)
    expect(pidsOf(running).filter((pid) => before.includes(pid))).toHaveLength(3)
  })

  it('status shows what runs, and the mistake below it, when the servers file is broken', async () => {
    const names = namesOf(running)
    const pids = names.map((name) => running.pidOf(name))
    appendFileSync(running.serversFile, 'broken: [\n')
    const { code, text } = await running.run(['cluster', 'status'])
    const lines = text.trimEnd().split('\n')
    for (const [at, name] of names.entries())
      expect(lines.find((line) => line.startsWith(name))).toContain(` ${pids[at]!} `)
    expect(lines.find((line) => line.startsWith('nginx'))).toMatch(/ ok /)
    expect(lines.find((line) => line.startsWith('backend-'))).toContain('running, not checked')
    expect(lines.at(-1)).toMatch(/servers\.yaml:\d+:\d+: not valid YAML or JSON: /)
    expect(code).toBe(1)
    const json = await running.run(['cluster', 'status', '--json'])
    expect([json.code, json.text]).toEqual([1, expect.stringContaining('"process": "nginx"')])

    process.kill(pids[1]!, 'SIGKILL')
    await expect
      .poll(async () => (await running.run(['cluster', 'status'])).text)
      .toContain(`died (was pid ${pids[1]!})`)
  })

  it('stop works although the servers file was broken meanwhile', async () => {
    writeFileSync(running.serversFile, 'servers: [')
    expect((await running.run(['cluster', 'stop'])).code).toBe(0)
    expect(pidFilesOf(running)).toEqual([])
  })
})
