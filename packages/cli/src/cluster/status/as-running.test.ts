import { loadClusterConfig, type Env } from '@mcp-router/config'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { asRunning, withRunning } from './as-running.js'
import { clusterOf } from '../cluster.js'
import { writeNginxConf } from '../nginx.js'
import { record } from '../run/pid-file.js'
import { makeRunDir } from '../run/run-files.js'
import { recordSettings } from '../restart/settings.js'

let folder: string
let told: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'as-running-'))
  const url = 'http://127.0.0.1:${PORT_1:-8071}/'
  writeFileSync(join(folder, 'servers.yaml'), `servers: { one: { url: "${url}" } }`)
  told = ''
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    told += String(text)
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

const running = {
  ...{ ROUTER_BASE_PORT: '21051', GATEWAY_PORT: '21080', ROUTER_INSTANCES: '2' },
  PORT_1: '21071',
}

/** run makes it look as if a cluster ran: this process stands for each of its own. */
const run = (more: Env = {}): void => {
  const paths = { MCP_RUN_DIR: join(folder, 'run'), MCP_SERVERS_FILE: join(folder, 'servers.yaml') }
  const env = { ...paths, ...running, ...more }
  const { config, files, processes } = clusterOf(loadClusterConfig(env), env)
  makeRunDir(files)
  writeNginxConf(config, files, env)
  for (const each of processes) {
    record(files, each.name, process.pid)
    recordSettings(files, each.name, each)
  }
}

const seen = (env: Env = {}): Env => asRunning({ MCP_RUN_DIR: join(folder, 'run'), ...env })

it('has the ports and the servers file of the cluster in the run directory', () => {
  run()
  expect(seen()).toMatchObject({ ...running, MCP_SERVERS_FILE: join(folder, 'servers.yaml') })
  expect(told).toBe('')
})

it('says where this shell gives others', () => {
  run({ PORT_1: '' })
  const env = seen({ GATEWAY_PORT: '8080', PORT_1: '1', ROUTER_INSTANCES: '2' })
  expect(env).toMatchObject({ ...running, PORT_1: '' })
  expect(told).toBe(
    'shown as it was started, not as this shell has it: GATEWAY_PORT 21080, here 8080; PORT_1 none, here 1\n',
  )
})

it('says which secrets of the cluster this shell lacks, and shows none', () => {
  const secrets = {
    ACCESS_TOKEN: 'an-access-token-of-a-test',
    REDIS_URL: 'redis://:hidden@127.0.0.1:1',
  }
  run(secrets)
  seen(secrets)
  expect(told).toBe('')
  seen()
  expect(told).toBe(
    'the running cluster has another ACCESS_TOKEN and another REDIS_URL than this shell: set what it was started with to see all of it\n',
  )
})

it('is the environment where nothing runs', () => {
  expect(seen({ GATEWAY_PORT: '9080' })).toEqual({
    ...{ MCP_RUN_DIR: join(folder, 'run'), GATEWAY_PORT: '9080' },
  })
})

it('keeps to loopback without the token that another address needs', () => {
  const token = { ACCESS_TOKEN: 'an-access-token-of-a-test' }
  run({ HOST: '0.0.0.0', ...token })
  expect(loadClusterConfig(seen()).instanceHost).toBe('127.0.0.1')
  expect(loadClusterConfig(seen(token)).instanceHost).toBe('0.0.0.0')
})

it('is only what this shell does not give, where that is meant', () => {
  run()
  const given = { MCP_RUN_DIR: join(folder, 'run'), MCP_SERVERS_FILE: 'another.yaml', PORT_1: '' }
  expect(withRunning(given)).toMatchObject({ ...running, MCP_SERVERS_FILE: 'another.yaml' })
  expect(told).toBe('')
})
