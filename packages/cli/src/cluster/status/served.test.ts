import { loadClusterConfig } from '@mcp-router/config'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { clusterOf, type Cluster } from '../cluster.js'
import { announceLeftOut, statusLines, variableAdvice } from '../restart/left-out.js'
import { record } from '../run/pid-file.js'
import { makeRunDir } from '../run/run-files.js'
import { askServed } from './served.js'

afterEach(() => vi.restoreAllMocks())

const problem = 'servers.yaml:3:5: the environment variable NAME is not set; set it'

const clusterIn = (servers: string): Cluster => {
  const folder = mkdtempSync(join(tmpdir(), 'served-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'servers.yaml')
  writeFileSync(file, `servers:\n  one: { url: "http://127.0.0.1:1/mcp" }\n${servers}`)
  const env = { MCP_RUN_DIR: join(folder, 'run'), MCP_SERVERS_FILE: file }
  const cluster = clusterOf(loadClusterConfig(env), env)
  makeRunDir(cluster.files)
  return cluster
}

/** instance makes it look as if an Instance ran that answers so; this process stands for it. */
const instance = async (cluster: Cluster, answer: RequestListener): Promise<string> => {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const name = `router-${(server.address() as AddressInfo).port}`
  record(cluster.files, name, process.pid)
  return name
}

const says =
  (served: readonly object[], invalid: readonly object[] = []): RequestListener =>
  (_, res) =>
    void res.end(JSON.stringify({ backends: served, invalid }))

it('is what the running instances say of their servers', async () => {
  const cluster = clusterIn('')
  const wrong = { name: 'two', problems: [problem] }
  await instance(cluster, says([{ name: 'one' }], [wrong]))
  await instance(cluster, says([{ name: 'one', problems: ['a slip'] }], [wrong]))
  const served = await askServed(cluster)
  expect([...(served?.names ?? [])]).toEqual(['one'])
  expect(served?.problems).toEqual([
    `server "two" is left out: ${problem}`,
    expect.stringMatching(/^server "one" keeps its previous definition at router-\d+: a slip$/),
  ])
})

it('is not known where no instance answers as one', async () => {
  const cluster = clusterIn('')
  expect(await askServed(cluster)).toBeUndefined()
  await instance(cluster, (_, res) => void res.writeHead(401).end('{}'))
  await instance(cluster, (_, res) => void res.end('a page'))
  expect(await askServed(cluster)).toBeUndefined()
})

it.each([
  [
    [`server "two" is left out: ${problem}`],
    ['the running instances have the variables that they were started with: set NAME here, then'],
  ],
  [['server "two" is left out: servers.yaml:3:5: unknown key'], []],
])('takes a restart where a variable is missing (%j)', (problems, told) => {
  const lines = variableAdvice({ names: new Set(), problems })
  expect(lines).toEqual(told.map((each) => `${each} scripts/start-instances.sh restart`))
})

const announced = async (cluster: Cluster) => {
  let text = ''
  vi.spyOn(process.stderr, 'write').mockImplementation((line) => {
    text += String(line)
    return true
  })
  const losses = await announceLeftOut(cluster)
  return { text, lost: losses.map(({ option, what }) => `${option}: ${what}`) }
}

const twoNeeds = '  two: { url: "${NOT_SET_HERE}" }\n'

it.each([
  [
    'it is served',
    says([{ name: 'one' }, { name: 'two' }]),
    'leaveOut: the running instances serve "two", and would not with the settings of this shell',
  ],
  [
    'they cannot be asked',
    ((_, res) => void res.writeHead(401).end()) satisfies RequestListener,
    'leaveOut: no instance could be asked whether it serves "two", and none would with the settings of this shell',
  ],
])('is lost by a restart from a shell that lacks a variable where %s', async (_, answer, what) => {
  const cluster = clusterIn(twoNeeds)
  await instance(cluster, answer)
  const { text, lost } = await announced(cluster)
  expect(text).toMatch(/^server "two" is left out by this restart: .*NOT_SET_HERE is not set/)
  expect(lost).toEqual([what])
})

it('is named without more where the instances do not serve it either', async () => {
  const cluster = clusterIn(twoNeeds)
  await instance(cluster, says([{ name: 'one' }]))
  const { text, lost } = await announced(cluster)
  expect(text).toMatch(/^server "two" is left out: .*NOT_SET_HERE.*\n$/)
  expect(lost).toEqual([])
})

it('is not lost where nothing runs', async () => {
  expect((await announced(clusterIn(twoNeeds))).lost).toEqual([])
})

it('is what this shell reads where no instance answers, and status says so', async () => {
  const cluster = clusterIn(twoNeeds)
  const own = expect.stringMatching(
    /^server "two" is left out: .*NOT_SET_HERE is not set/,
  ) as string
  expect(statusLines(cluster, undefined)).toEqual([own])
  await instance(cluster, (_, res) => void res.writeHead(401).end())
  expect(statusLines(cluster, await askServed(cluster))).toEqual([
    'no instance could be asked; as this shell reads the servers file:',
    own,
  ])
})
