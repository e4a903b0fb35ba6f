import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ownCluster, type OwnCluster, type RunOptions, type StatusRow } from './own-cluster.js'
import { isAlive, namesOf, pidFilesOf, pidsOf } from './own-processes.js'

const supervised = { env: { MCP_SUPERVISE: 'on' } } satisfies RunOptions
const patience = { timeout: 40_000, interval: 100 }

let cluster: OwnCluster

beforeEach(async () => {
  cluster = await ownCluster()
})
afterEach(() => cluster.close())

const start = async (): Promise<void> => {
  const { code, text } = await cluster.run(['cluster', 'start'], supervised)
  expect([code, text]).toEqual([0, expect.stringContaining('To try it:')])
}

const rows = async (): Promise<readonly StatusRow[]> => {
  const { text } = await cluster.run(['cluster', 'status', '--json'], supervised)
  return JSON.parse(text) as readonly StatusRow[]
}

const rowOf = async (name: string): Promise<StatusRow> =>
  (await rows()).find((row) => row.process === name)!

const kill = (name: string): number => {
  const pid = cluster.pidOf(name)
  process.kill(pid, 'SIGKILL')
  return pid
}

/** Resolves once another process runs in the place of `before`. */
const successorOf = async (name: string, before: number): Promise<void> => {
  await expect
    .poll(() => cluster.pidOf(name) !== before && isAlive(cluster.pidOf(name)), patience)
    .toBe(true)
}

const isHealthy = async (): Promise<boolean> =>
  (await cluster.run(['cluster', 'status'], supervised)).code === 0

const stateFile = (): string => join(cluster.runDir, 'supervisor.json')

const log = (): string => readFileSync(join(cluster.runDir, 'logs', 'supervisor.log'), 'utf8')

describe('a supervised cluster', { timeout: 120_000 }, () => {
  it('restarts whatever is killed, and status shows that it did', async () => {
    await start()
    for (const name of namesOf(cluster)) await successorOf(name, kill(name))
    await expect.poll(isHealthy, patience).toBe(true)
    const shown = await rows()
    const own = shown.filter((row) => row.process !== 'supervisor')
    expect(own.map(({ process, restarts }) => [process, restarts])).toEqual(
      namesOf(cluster).map((name) => [name, 1]),
    )
    expect(own.every(({ lastExit }) => Date.parse(lastExit?.at ?? '') > 0)).toBe(true)
    expect((await cluster.run(['verify'])).text).toContain('all is well')
    expect(log()).toMatch(/"message":"process.restarted".*"process":"nginx"/)
  })

  it('waits longer after each exit in a row, and says how it ended and when it tries again', async () => {
    const file = join(cluster.folder, 'broken')
    const server = join(cluster.folder, 'server.mjs')
    writeFileSync(
      server,
      `import { existsSync } from 'node:fs'
       import { createServer } from 'node:http'
       if (existsSync(${JSON.stringify(file)})) process.exit(7)
       createServer((_, res) => res.end()).listen(${cluster.backendPort}, '127.0.0.1')`,
    )
    const url = `http://127.0.0.1:${cluster.backendPort}/mcp`
    const servers = { a: { url, start: `${process.execPath} ${server}` } }
    writeFileSync(cluster.serversFile, JSON.stringify({ servers }))
    await start()
    const name = `backend-${cluster.backendPort}`
    writeFileSync(file, '')
    const before = kill(name)
    await expect.poll(() => log().match(/process.exited/g)?.length, patience).toBe(5)
    // The next attempt is eight seconds away.
    expect(await rowOf(name)).toMatchObject({
      pid: null,
      healthy: false,
      lastExit: { how: 'exited with code 7' },
      health: expect.stringMatching(/^died .*; next try in \d\.\d s$/),
      nextTryAt: expect.any(String),
    })
    const delays = [...log().matchAll(/"process.exited".*"failures":(\d+),"nextTryMs":(\d+)/g)]
    expect(
      delays.slice(0, 3).map(([, failures, ms]) => [failures, Math.round(Number(ms) / 500)]),
    ).toEqual([
      ['1', 1],
      ['2', 2],
      ['3', 4],
    ])
    // Nobody else is harmed, and once its cause is gone it comes back by itself.
    expect((await rows()).filter((row) => !row.healthy).map((row) => row.process)).toEqual([name])
    writeFileSync(server, readFileSync(server, 'utf8').replace('process.exit(7)', ''))
    await successorOf(name, before)
    await expect.poll(isHealthy, patience).toBe(true)
  })

  it('does not restart what stop ended', async () => {
    await start()
    const [port] = cluster.instancePorts
    await cluster.run(['cluster', 'stop', String(port)], supervised)
    // A neighbour that is killed shows that the supervisor has looked since.
    const other = `router-${cluster.instancePorts[1]!}`
    await successorOf(other, kill(other))
    expect(pidFilesOf(cluster)).not.toContain(`router-${port!}.pid`)
    const all = [...pidFilesOf(cluster)]
      .filter((file) => file.endsWith('.pid'))
      .map((file) => cluster.pidOf(file.slice(0, -'.pid'.length)))
    const { code, text } = await cluster.run(['cluster', 'stop'], supervised)
    expect([code, text]).toEqual([0, expect.stringMatching(/supervisor +stopped/)])
    expect(all.filter(isAlive)).toEqual([])
    expect([pidFilesOf(cluster), existsSync(stateFile())]).toEqual([[], false])
    expect((await cluster.run(['cluster', 'stop'], supervised)).text).toBe(
      `nothing was running in ${cluster.runDir} (MCP_RUN_DIR)\n`,
    )
  })

  it('goes on without a supervisor that was killed, and start begins another that adopts it', async () => {
    await start()
    const before = pidsOf(cluster)
    kill('supervisor')
    await expect
      .poll(() => rowOf('supervisor'), patience)
      .toMatchObject({ healthy: false, health: expect.stringContaining('not running') })
    expect((await cluster.run(['cluster', 'status'], supervised)).code).toBe(1)
    const { code } = await cluster.run(['cluster', 'start'], supervised)
    expect([code, pidsOf(cluster)]).toEqual([0, before])
    await successorOf('redis', kill('redis'))
  })

  it('keeps one supervisor through start and restart, and so that restart never counts as an exit', async () => {
    await start()
    const first = cluster.pidOf('supervisor')
    expect((await cluster.run(['cluster', 'start'], supervised)).text).toContain('nothing to do')
    expect(cluster.pidOf('supervisor')).toBe(first)
    expect((await cluster.run(['cluster', 'restart'], supervised)).code).toBe(0)
    const second = cluster.pidOf('supervisor')
    expect([isAlive(first), isAlive(second)]).toEqual([false, true])
    expect((await rows()).map((row) => row.restarts)).toEqual((await rows()).map(() => 0))
    expect(log()).not.toContain('process.exited')
    // Without supervision, start ends it and nothing else.
    const before = pidsOf(cluster)
    expect((await cluster.run(['cluster', 'start'])).code).toBe(0)
    expect([isAlive(second), pidsOf(cluster)]).toEqual([false, before])
    expect((await cluster.status()).map((row) => row.process)).toEqual(namesOf(cluster))
  })
})
