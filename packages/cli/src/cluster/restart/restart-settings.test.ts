import { loadClusterConfig } from '@mcp-router/config'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { requireSamePorts, requireSameSettings } from '../start/check-settings.js'
import { processesAt } from '../start/start-command.js'
import { clusterOf, type Cluster } from '../cluster.js'
import { writeNginxConf } from '../nginx.js'
import { record } from '../run/pid-file.js'
import { requireNoLoss } from './restart-losses.js'
import { announceChanges } from './restart-settings.js'
import { makeRunDir } from '../run/run-files.js'
import { recordSettings } from './settings.js'

const token = 'an-access-token-of-a-test'
const keep = { removeToken: false, otherRedis: false, leaveOut: false }

let folder: string
let said: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'restart-settings-'))
  writeFileSync(join(folder, 'servers.yaml'), 'servers:\n  one: { url: http://127.0.0.1:1/mcp }\n')
  said = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said += String(text)
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

const clusterWith = (more: Readonly<Record<string, string>>): Cluster => {
  const paths = { MCP_RUN_DIR: join(folder, 'run'), MCP_SERVERS_FILE: join(folder, 'servers.yaml') }
  const env = { ...paths, ROUTER_BASE_PORT: '21051', ...more }
  return clusterOf(loadClusterConfig(env), env)
}

/** run makes it look as if the cluster ran: this process stands for each of its own. */
const run = (more: Readonly<Record<string, string>>): void => {
  const { config, env, files, processes } = clusterWith(more)
  makeRunDir(files)
  writeNginxConf(config, files, env)
  for (const each of processes) {
    record(files, each.name, process.pid)
    recordSettings(files, each.name, each)
  }
}

it('says nothing where nothing changes', () => {
  run({ ACCESS_TOKEN: token })
  announceChanges(clusterWith({ ACCESS_TOKEN: token }), undefined)
  expect(said).toBe('')
})

it('names what changes with both values, and no value of a secret', () => {
  run({ ROUTER_INSTANCES: '4', LOG_LEVEL: 'debug' })
  const now = { ACCESS_TOKEN: token, GATEWAY_PORT: '21080' }
  announceChanges(clusterWith(now), undefined)
  expect(said).toBe(
    'settings change: ACCESS_TOKEN added, GATEWAY_PORT 8080 → 21080, LOG_LEVEL debug → info, ROUTER_INSTANCES 4 → 3\n',
  )
})

it('keeps and says no value of a secret', () => {
  const redis = { REDIS_URL: 'redis://u:first-password@h:1' }
  run({ ACCESS_TOKEN: token, CLUSTER_SECRET: 'first-secret-of-a-test', ...redis })
  const other = { REDIS_URL: 'redis://u:other-password@h:1' }
  const now = { ACCESS_TOKEN: 'another-token', CLUSTER_SECRET: 'other-secret', ...other }
  announceChanges(clusterWith(now), undefined)
  expect(said).toBe(
    'settings change: ACCESS_TOKEN changed, CLUSTER_SECRET changed, REDIS_URL changed\n',
  )
  const kept = readFileSync(clusterWith({}).files.settings('router-21051'), 'utf8')
  expect(kept).toContain('"ROUTER_BASE_PORT":"21051"')
  expect(kept).not.toMatch(/password|secret-of|an-access-token/)
})

it('shows no value that an earlier release did not keep', () => {
  run({ LOG_LEVEL: 'debug' })
  const path = clusterWith({}).files.settings('router-21051')
  const { salt, digests } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  writeFileSync(path, JSON.stringify({ salt, digests }))
  announceChanges(clusterWith({}), 21_051)
  expect(said).toContain('LOG_LEVEL changed')
})

it.each([undefined, 21_051, 8080])('removes no access token by itself (port %s)', (port) => {
  run({ ACCESS_TOKEN: token })
  const bare = clusterWith({})
  const at = port === undefined ? '' : `${port} `
  const losses = announceChanges(bare, port)
  expect(() => requireNoLoss(losses, port, keep)).toThrow(
    `nothing was changed: set ACCESS_TOKEN as before, or go on without one: scripts/start-instances.sh restart ${at}--remove-token (npm restart -- ${at}--remove-token)`,
  )
  if (port !== 8080) expect(said).toBe('settings change: ACCESS_TOKEN removed\n')
  requireNoLoss(losses, port, { ...keep, removeToken: true })
})

describe('another Redis', () => {
  const redis = { REDIS_URL: 'redis://:secret@127.0.0.1:1/2' }
  const losses = (now: Readonly<Record<string, string>>) =>
    announceChanges(clusterWith(now), undefined)

  it('loses sessions, and is taken only where that is meant', () => {
    run(redis)
    expect(losses(redis)).toEqual([])
    const lost = losses({})
    expect(() => requireNoLoss(lost, undefined, keep)).toThrow(
      'the running cluster has another REDIS_URL, and its sessions would be lost; nothing was changed: set REDIS_URL as before, or go on with another one: scripts/start-instances.sh restart --other-redis (npm restart -- --other-redis)',
    )
    requireNoLoss(lost, undefined, { ...keep, otherRedis: true })
  })

  it('is refused for one process alone, which would split the cluster', () => {
    run(redis)
    const lost = announceChanges(clusterWith({}), 21_051)
    expect(() => requireNoLoss(lost, 21_051, { ...keep, otherRedis: true })).toThrow(
      'restart --other-redis (npm restart -- --other-redis)',
    )
  })

  it('says how a private one is kept', () => {
    run({})
    expect(() => requireNoLoss(losses(redis), undefined, keep)).toThrow(
      'has a private Redis and no REDIS_URL, and its sessions would be lost; nothing was changed: unset REDIS_URL, or',
    )
  })

  it('is told beside the token, with what was said to be meant', () => {
    run({ ...redis, ACCESS_TOKEN: token })
    const both = losses({})
    expect(() => requireNoLoss(both, undefined, keep)).toThrow(/ACCESS_TOKEN.*\n.*REDIS_URL/)
    expect(() => requireNoLoss(both, undefined, { ...keep, removeToken: true })).toThrow(
      'npm restart -- --remove-token --other-redis',
    )
  })
})

describe('the ports of servers', () => {
  const servers = (text: string): void =>
    writeFileSync(join(folder, 'servers.yaml'), `servers:\n  one: { url: ${text} }\n`)
  it.each([
    [{ PORT_1: '21071' }, {}, 'PORT_1 21071 → none', '"export PORT_1=21071"'],
    [{}, { PORT_1: '21071' }, 'PORT_1 none → 21071', `"export PORT_1=''"`],
    [{ PORT_1: '21071' }, { PORT_1: '21072' }, 'PORT_1 21071 → 21072', '"export PORT_1=21071"'],
  ])('are kept by start and restart (%j, %j)', (before, now, change, line) => {
    servers('"http://127.0.0.1:${PORT_1:-8071}/"')
    run(before)
    for (const refuse of [requireSamePorts, requireSameSettings])
      expect(() => refuse(clusterWith(now))).toThrow(
        `the running cluster has other ports (${change}); nothing was changed: ${line} for this cluster, or scripts/start-instances.sh stop, then start,`,
      )
  })

  it.each([
    [{}, { PORT_1: '8071' }],
    [{ PORT_1: '21071' }, { PORT_1: '21071' }],
  ])('are compared as they are in effect (%j, %j)', (before, now) => {
    servers('"http://127.0.0.1:${PORT_1:-8071}/"')
    run(before)
    requireSameSettings(clusterWith(now))
  })

  it('are no change of settings where the servers file has changed', () => {
    servers('"http://127.0.0.1:${PORT_1:-8071}/"')
    run({ PORT_2: '21072' })
    servers('"http://127.0.0.1:${PORT_1:-9071}/"')
    requireSamePorts(clusterWith({ PORT_2: '21072' }))
    servers('"http://127.0.0.1:${PORT_2:-9071}/"')
    requireSamePorts(clusterWith({ PORT_2: '21072' }))
  })

  it('are in the line for a cluster with other ports', () => {
    servers('"http://127.0.0.1:${PORT_1:-8071}/"')
    run({ PORT_1: '21071' })
    expect(() => requireSamePorts(clusterWith({ ROUTER_BASE_PORT: '8051' }))).toThrow(
      /"export .*ROUTER_BASE_PORT=21051.* PORT_1=21071" for this cluster|"export PORT_1=21071 ROUTER_BASE_PORT=21051"/,
    )
  })
})

describe('other settings', () => {
  it('are refused by start with both values and what to do, and no value of a secret', () => {
    run({ MCP_AFFINITY: 'session', ACCESS_TOKEN: token })
    const refused = (now: Readonly<Record<string, string>>) => () =>
      requireSameSettings(clusterWith(now))
    expect(refused({ ACCESS_TOKEN: token })).toThrow(
      'the running cluster uses other settings (MCP_AFFINITY session → ip_hash); nothing was changed: "export MCP_AFFINITY=session" for this cluster, or run scripts/start-instances.sh restart to apply',
    )
    expect(refused({})).toThrow(
      '(ACCESS_TOKEN removed, MCP_AFFINITY session → ip_hash); nothing was changed: "export MCP_AFFINITY=session" for this cluster and ACCESS_TOKEN as it was started, or run',
    )
    expect(refused({ MCP_AFFINITY: 'session', ACCESS_TOKEN: 'another-token' })).toThrow(
      '(ACCESS_TOKEN changed); nothing was changed: set them as the cluster was started, or run',
    )
  })
})

describe('instances at other ports', () => {
  const here = { ROUTER_BASE_PORT: '21051', GATEWAY_PORT: '21180' }
  const there = { ROUTER_BASE_PORT: '8051', ALLOWED_HOSTS: 'a.example,b.example' }

  it('are refused with both values of each setting and what to do', () => {
    run({ ...here, ACCESS_TOKEN: token })
    expect(() => requireSamePorts(clusterWith(there))).toThrow(
      "the running cluster has other ports (ACCESS_TOKEN removed, ALLOWED_HOSTS none → a.example,b.example, GATEWAY_PORT 21180 → 8080, ROUTER_BASE_PORT 21051 → 8051); nothing was changed: \"export ALLOWED_HOSTS='' ROUTER_BASE_PORT=21051 GATEWAY_PORT=21180\" for this cluster and ACCESS_TOKEN as it was started, or scripts/start-instances.sh stop, then start, to apply this shell's settings",
    )
  })

  it.each(['21052', '21050'])('may overlap the old ones (%s)', (port) => {
    run(here)
    const moved = clusterWith({ ...here, ROUTER_BASE_PORT: port })
    expect(() => requireSamePorts(moved)).toThrow(`(ROUTER_BASE_PORT 21051 → ${port})`)
  })

  it('are told also where this shell gives the port of one process to none', () => {
    run(here)
    expect(() => processesAt(clusterWith({ ROUTER_BASE_PORT: '8051' }), 21_052)).toThrow(
      /^the running cluster has other ports \(.*ROUTER_BASE_PORT 21051 → 8051\); nothing was changed: /,
    )
    expect(() => processesAt(clusterWith(here), 21_059)).toThrow(
      /^nothing of this cluster has port 21059; it has 21051 \(router-21051\), /,
    )
  })

  it('are no matter where only Nginx has another, or there are fewer of them', () => {
    run({ ...here, ROUTER_INSTANCES: '4' })
    requireSamePorts(clusterWith({ ...here, GATEWAY_PORT: '8080', ROUTER_INSTANCES: '1' }))
  })
})
