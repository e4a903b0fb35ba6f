import { openSite } from '@mcp-router/testkit/nginx'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { ask } from '../harness/http.js'
import { freePorts } from '@mcp-router/testkit/process'
import { isAlive, processAt } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { startLoad } from './recipe/load.js'
import { runProgram, startProgram } from './recipe/program.js'
import { secrets, useStage } from './recipe/stage.js'
import { findTool, itWith, root } from './recipe/tools.js'

const ecosystem = join(root, 'deploy/pm2/ecosystem.config.cjs')
const stage = useStage()
let basePort: number
beforeAll(async () => {
  basePort = await freePorts(2)
})

const environment = (): Record<string, string> => ({
  // It asks its maker for a newer version when this is missing.
  PM2_DISCRETE_MODE: 'true',
  PM2_HOME: join(stage().folder, 'pm2'),
  PM2_CONCURRENT_ACTIONS: '1',
  REDIS_URL: stage().redisUrl,
  PROXY_SECRET: secrets.proxySecret,
  MCP_SERVERS_FILE: stage().serversFile,
  ROUTER_INSTANCES: '2',
  ROUTER_BASE_PORT: String(basePort),
})

const pm2 = (...args: readonly string[]): Promise<string> =>
  runProgram(findTool('pm2')!, args, { env: environment(), cwd: stage().folder })

interface App {
  readonly name: string
  readonly pid: number
}

const apps = async (): Promise<readonly App[]> => {
  const listed = await pm2('jlist')
  return JSON.parse(listed.slice(listed.indexOf('['))) as readonly App[]
}

itWith(['pm2'], 'a reload restarts the instances one at a time and costs no call', async () => {
  // Its first start would ask for a newer version.
  mkdirSync(environment()['PM2_HOME']!)
  writeFileSync(join(environment()['PM2_HOME']!, 'touch'), '')
  await pm2('start', ecosystem)
  const pidFile = join(environment()['PM2_HOME']!, 'pm2.pid')
  const daemon = await until('the pid of PM2', () =>
    processAt(Number(readFileSync(pidFile, 'utf8'))),
  )
  stage().before(async () => {
    await pm2('kill')
    await until('the end of PM2', () => !isAlive(daemon))
  })
  const urls = [0, 1].map((n) => `127.0.0.1:${basePort + n}`)
  const before = await apps()
  expect(before.map(({ name }) => name)).toEqual(['router-instance-1', 'router-instance-2'])
  // PM2 has waited for them.
  for (const url of urls) expect((await ask(`http://${url}/ready`)).status).toBe(200)
  const { port } = await openSite({ instances: urls, proxySecret: secrets.proxySecret })

  const load = await startLoad(`http://127.0.0.1:${port}`)
  await load.goOn(2)
  await pm2('reload', ecosystem)
  await load.goOn(2)
  expect(load.failures()).toEqual([])
  expect(await load.stop()).toBeGreaterThan(50)

  const after = await apps()
  expect(after.map(({ name }) => name)).toEqual(before.map(({ name }) => name))
  const pids = before.map(({ pid }) => pid)
  expect(after.filter(({ pid }) => pids.includes(pid))).toEqual([])
  const { instances } = (await ask(`http://${urls[0]}/api/status`)).json()
  expect(instances.map(({ id }: { id: string }) => id).sort()).toEqual(
    pids.map((_, n) => `router-instance-${n + 1}`),
  )
})

it.each([
  ['without REDIS_URL', ['start'], { REDIS_URL: '' }, /REDIS_URL is not set.*export REDIS_URL=/],
  [
    'for a reload of two at once',
    ['reload'],
    { PM2_CONCURRENT_ACTIONS: '' },
    /PM2_CONCURRENT_ACTIONS=1 pm2 reload/,
  ],
])('the file refuses to load %s', async (_, args, env, message) => {
  const script = `process.argv.push(...${JSON.stringify(args)}); require(${JSON.stringify(ecosystem)})`
  const loading = startProgram(process.execPath, ['-e', script], {
    env: { ...environment(), ...env },
  })
  expect(await loading.ended).toBe(1)
  expect(loading.output()).toMatch(message)
})
