import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  onTestFinished,
} from 'vitest'
import { exampleServer } from '../harness/paths.js'
import { ownCluster, type OwnCluster } from './own-cluster.js'
import { isAlive, namesOf, pidFilesOf, pidsOf, start } from './own-processes.js'

const nobody = 65_534
// Only root may become nobody, who may only read what is not in the home of root.
const canBeNobody =
  process.getuid?.() === 0 &&
  spawnSync(process.execPath, [exampleServer, '--help'], { uid: nobody }).status === 0

let cluster: OwnCluster

beforeEach(async () => {
  cluster = await ownCluster()
})
afterEach(() => cluster.close())

describe('start beside what runs', () => {
  let running: OwnCluster

  beforeAll(async () => {
    running = await ownCluster()
    await start(running)
  })
  afterAll(() => running.close())

  it('starts everything, healthy, and a session works at every instance', async () => {
    const rows = await running.status()
    expect(rows.map((row) => row.process)).toEqual(namesOf(running))
    expect(rows.map((row) => row.health)).toEqual(rows.map(() => 'ok'))
    const { code, text } = await running.run(['verify'])
    expect(text).toContain('all is well')
    expect(code).toBe(0)
  })

  it('changes nothing when everything runs', async () => {
    const before = pidsOf(running)
    const { code, text } = await running.run(['cluster', 'start'])
    expect(text).toBe('nothing to do: all 5 processes are running\n')
    expect(code).toBe(0)
    expect(pidsOf(running)).toEqual(before)
  })

  it('starts only the instance that was killed', async () => {
    const [name] = namesOf(running).filter((each) => each.startsWith('router-'))
    const before = pidsOf(running)
    const killed = running.pidOf(name!)
    process.kill(killed, 'SIGKILL')
    await expect
      .poll(() => running.status().then((rows) => rows.map((row) => row.healthy)))
      .toContain(false)
    expect((await running.run(['cluster', 'status'])).code).toBe(1)
    const { code, text } = await running.run(['cluster', 'start'])
    expect(text).toMatch(new RegExp(`${name!} +was not running: removed its old pid file`))
    expect(text).toContain('started 1 in')
    expect(code).toBe(0)
    expect(pidsOf(running).filter((pid) => !before.includes(pid))).toEqual([running.pidOf(name!)])
  })

  it('starts Nginx again although the workers of the killed one hold its port', async () => {
    process.kill(running.pidOf('nginx'), 'SIGKILL')
    await expect.poll(() => running.status().then((rows) => rows.at(-1)?.pid)).toBeNull()
    const { code, text } = await running.run(['cluster', 'start'])
    expect(text).toContain('started 1 in')
    expect(code).toBe(0)
  })

  it('starts another cluster, whose stop ends only its own', async () => {
    await start(cluster)
    await cluster.run(['cluster', 'stop'])
    expect((await running.run(['cluster', 'status'])).code).toBe(0)
  })

  it('refuses an instance id that is alive in the same Redis', async () => {
    const told = await refusedWith({ REDIS_URL: `unix://${running.runDir}/redis.sock` })
    expect(told).toMatch(/router-instance-[12]/)
    expect((await running.run(['cluster', 'status'])).code).toBe(0)
  })
})

const refusedWith = async (env: Readonly<Record<string, string>> = {}): Promise<string> => {
  const { code, text } = await cluster.run(['cluster', 'start'], { env })
  expect(code).toBe(1)
  expect(pidFilesOf(cluster)).toEqual([])
  return text
}

describe('start', () => {
  it.each([
    ['MCP_RUN_DIR', 'a$b', 'MCP_RUN_DIR: Nginx cannot take '],
    ['PROXY_SECRET', 'hidden$secret', 'PROXY_SECRET: Nginx takes no "$"; set another one'],
  ])(
    'refuses a %s that Nginx cannot take before anything is started',
    async (name, value, told) => {
      const folder = join(cluster.folder, 'new')
      const { code, text } = await cluster.run(['cluster', 'start'], {
        env: {
          MCP_RUN_DIR: folder,
          [name]: name === 'MCP_RUN_DIR' ? join(folder, value) : value,
        },
      })
      expect(text.trimEnd().split('\n')).toEqual([expect.stringContaining(told)])
      expect(text).not.toContain('hidden')
      expect([code, existsSync(folder)]).toEqual([1, false])
    },
  )

  it('twice at the same time starts everything once', async () => {
    const both = await Promise.all([1, 2].map(() => cluster.run(['cluster', 'start'])))
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    const told = both.map(({ text }) => text).join('')
    expect(told).toContain('waiting for another command on this run directory')
    expect(told).toContain('nothing to do: all 5 processes are running')
  })

  it('with a port starts one instance and the Redis that it needs', async () => {
    const [port] = cluster.instancePorts
    expect((await cluster.run(['cluster', 'start', String(port)])).code).toBe(0)
    expect(pidFilesOf(cluster).filter((file) => file.endsWith('.pid'))).toEqual([
      'redis.pid',
      `router-${port!}.pid`,
    ])
    expect((await cluster.run(['cluster', 'stop', String(port)])).text).toContain('stopped')
    expect(pidFilesOf(cluster)).not.toContain(`router-${port!}.pid`)
  })

  it('uses a server that somebody else runs, and leaves it alone at the end', async () => {
    const server = spawn(process.execPath, [exampleServer, '--port', String(cluster.backendPort)])
    await once(server.stdout, 'data')
    const { code, text } = await cluster.run(['cluster', 'start'])
    expect(text).toContain('used as it is')
    expect(code).toBe(0)
    await cluster.run(['cluster', 'stop'])
    expect(isAlive(server.pid!)).toBe(true)
    server.kill()
    await once(server, 'exit')
  })

  it.runIf(canBeNobody)('works for a user without rights', async () => {
    chownSync(cluster.folder, nobody, nobody)
    const ran = await cluster.run(['cluster', 'start'], { uid: nobody })
    expect(ran.text).toContain('To try it:')
    expect(ran.text).toMatch(new RegExp(`^  export .*\\bMCP_RUN_DIR=${cluster.runDir}\\b`, 'm'))
    expect(ran.code).toBe(0)
    expect((await cluster.run(['cluster', 'status'], { uid: nobody })).code).toBe(0)
    expect((await cluster.run(['cluster', 'stop'], { uid: nobody })).code).toBe(0)
  })
})

describe('a start that cannot succeed', () => {
  it('names a busy port, who has it and the variable to change', async () => {
    const squatter = createServer().listen(cluster.gatewayPort, '127.0.0.1')
    await once(squatter, 'listening')
    const told = await refusedWith()
    expect(told).toContain(`nginx: port ${cluster.gatewayPort} is taken by`)
    expect(told).toContain('change GATEWAY_PORT')
    if (process.platform === 'linux') expect(told).toContain(`pid ${process.pid}`)
    squatter.close()
  })

  it('does not take what answers HTTP on the port of a server for that server', async () => {
    const port = cluster.backendPort
    const stranger = createHttpServer((_, res) => res.end('hello')).listen(port, '127.0.0.1')
    await once(stranger, 'listening')
    const servers = readFileSync(cluster.serversFile, 'utf8')
    writeFileSync(cluster.serversFile, servers.replaceAll(String(port), `\${PORT_OF_IT:-${port}}`))
    const told = await refusedWith()
    expect(told).toContain(`backend-${port}: port ${port} is taken by`)
    expect(told).toContain('change PORT_OF_IT')
    const row = (await cluster.status()).find(({ process }) => process === `backend-${port}`)
    expect(row).toMatchObject({ healthy: false, health: expect.stringContaining('no MCP server') })
    stranger.close()
  })

  it('tells the line of an invalid servers file, where every server must be valid', async () => {
    writeFileSync(cluster.serversFile, 'servers:\n  a:\n    ulr: http://127.0.0.1/')
    const told = await refusedWith({ MCP_STRICT: 'true' })
    expect(told).toContain('servers.yaml:3:5: servers.a.ulr: unknown key "ulr"')
  })

  it.runIf(canBeNobody)('says in one line that its run directory cannot be made', async () => {
    chmodSync(cluster.folder, 0o755)
    const { code, text } = await cluster.run(['cluster', 'start'], { uid: nobody })
    expect(text).toBe(
      `mcp-router: cannot make the run directory ${cluster.runDir}: EACCES; set MCP_RUN_DIR to a folder of your own\n`,
    )
    expect(code).toBe(1)
  })

  it('says that there is no servers file', async () => {
    expect(await refusedWith({ MCP_SERVERS_FILE: '/nowhere.yaml' })).toContain('no such file')
  })

  it('shows the log of a process that ended, and leaves nothing running', async () => {
    const port = cluster.backendPort
    const script = join(cluster.folder, 'broken.mjs')
    writeFileSync(script, 'console.error("no database"); process.exit(3)')
    writeFileSync(
      cluster.serversFile,
      `servers: { a: { url: "http://127.0.0.1:${port}/mcp", start: "${process.execPath} ${script}" } }`,
    )
    const told = await refusedWith()
    expect(told).toContain('| no database')
    expect(told).toContain(`backend-${port} (server a) exited with code 3`)
    expect(told).toMatch(/redis +stopped/)
  })

  it.runIf(process.getuid?.() === 0)(
    'does not put the socket of Redis where another user could replace it',
    async () => {
      const runDir = join(cluster.folder, 'x'.repeat(90))
      const hash = createHash('sha256').update(runDir).digest('hex').slice(0, 16)
      const folder = join(tmpdir(), `mcp-router-${hash}`)
      mkdirSync(folder, { mode: 0o777 })
      onTestFinished(() => rmSync(folder, { recursive: true }))
      chownSync(folder, nobody, nobody)
      const told = await refusedWith({ MCP_RUN_DIR: runDir })
      expect(told).toContain(`${folder}, where Redis has its socket, belongs to another user`)
      expect(told).toContain('set MCP_RUN_DIR to a shorter path')
      expect(readdirSync(folder)).toEqual([])
    },
  )

  it('names a script that is not there, and what to do', async () => {
    writeFileSync(
      cluster.serversFile,
      `servers: { a: { url: "http://127.0.0.1:${cluster.backendPort}/mcp", start: "node dist/main.js --port 1" } }`,
    )
    const path = join(cluster.folder, 'dist', 'main.js')
    expect(await refusedWith()).toContain(
      `server a: there is no ${path}; build it, or correct its "start" in the servers file`,
    )
  })

  it('names a program that is not installed', async () => {
    writeFileSync(
      cluster.serversFile,
      `servers: { a: { url: "http://127.0.0.1:${cluster.backendPort}/mcp", start: not-there } }`,
    )
    expect(await refusedWith()).toContain('not installed: not-there (for server a)')
  })

  it('leaves nothing behind when it is interrupted', async () => {
    const hanging = join(cluster.folder, 'hanging.mjs')
    writeFileSync(hanging, 'setInterval(() => {}, 1000)')
    writeFileSync(
      cluster.serversFile,
      `servers: { a: { url: "http://127.0.0.1:${cluster.backendPort}/mcp", start: "${process.execPath} ${hanging}" } }`,
    )
    const abort = new AbortController()
    const running = cluster.run(['cluster', 'start'], { signal: abort.signal })
    await expect
      .poll(() => pidFilesOf(cluster), { timeout: 20_000 })
      .toContain(`backend-${cluster.backendPort}.pid`)
    const left = cluster.pidOf(`backend-${cluster.backendPort}`)
    abort.abort()
    const { code, text } = await running
    expect(text).toContain('interrupted; nothing is left half-started')
    expect(code).toBe(1)
    expect([isAlive(left), pidFilesOf(cluster)]).toEqual([false, []])
  })
})
