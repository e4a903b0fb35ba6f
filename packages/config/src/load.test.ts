import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Env } from './environment.js'
import { loadClusterConfig, loadGatewayConfig, loadRunDir, type GatewayOverrides } from './load.js'

let folder: string
let servers: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'load-'))
  servers = join(folder, 'servers.yaml')
  writeFileSync(servers, 'servers: { a: { url: http://127.0.0.1:8071/mcp } }')
})
afterEach(() => rmSync(folder, { recursive: true }))

const gateway = (env: Env = {}, overrides: GatewayOverrides = {}) =>
  loadGatewayConfig({ MCP_SERVERS_FILE: servers, ...env }, overrides)
const cluster = (env: Env = {}) => loadClusterConfig({ MCP_SERVERS_FILE: servers, ...env })

describe('the configuration of a gateway', () => {
  it('has a default for everything', () => {
    expect(gateway()).toMatchObject({
      host: '127.0.0.1',
      port: 8051,
      redisUrl: undefined,
      sessionTtlMs: 1_800_000,
      leaseMs: 15_000,
      leaseRenewMs: 5_000,
      touchMs: 5_000,
      keepAliveMs: 15_000,
      drainMs: 30_000,
      idleUpstreamMs: 300_000,
      inputTtlMs: 600_000,
      endpointPatienceMs: 5_000,
      maxBodyBytes: 4_194_304,
      accessToken: undefined,
      allowedHosts: ['localhost', '127.0.0.1', '[::1]', 'mcp-bridge.local'],
      allowedOrigins: [],
      logLevel: 'info',
      logFile: undefined,
    })
  })

  it('names an instance that has no name after its host, differently each time', () => {
    expect(gateway().instance).toMatch(/-[0-9a-f]{8}-[0-9a-f-]{27}$/)
    expect(gateway().instance).not.toBe(gateway().instance)
  })

  it('takes the names that earlier systems had, below its own', () => {
    const old = { SERVER_PORT: '9001', MCP_SESSION_INSTANCE_ID: 'old' }
    expect(gateway(old)).toMatchObject({ port: 9001, instance: 'old' })
    expect(gateway({ ...old, PORT: '9002', INSTANCE_ID: 'new' })).toMatchObject({
      port: 9002,
      instance: 'new',
    })
  })

  it('puts options above variables', () => {
    const env = { PORT: '9001', HOST: 'localhost', REDIS_URL: 'redis://127.0.0.1:6379' }
    const overrides = { port: 0, host: '::1', instance: 'x', logFile: '/tmp/x.log', memory: true }
    expect(gateway(env, overrides)).toMatchObject({
      port: 0,
      host: '::1',
      instance: 'x',
      logFile: '/tmp/x.log',
      redisUrl: undefined,
    })
  })

  it('counts an empty variable as unset', () => {
    expect(gateway({ PORT: '', REDIS_URL: '', ACCESS_TOKEN: '' })).toMatchObject({
      port: 8051,
      redisUrl: undefined,
      accessToken: undefined,
    })
  })

  it('is frozen to the bottom', () => {
    const config = gateway()
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config.backends[0]!.endpoints[0])).toBe(true)
  })

  it('splits lists, and allows the host that it listens on', () => {
    const env = {
      HOST: '192.0.2.7',
      ACCESS_TOKEN: 'secret',
      ALLOWED_HOSTS: 'Mcp.Example, other.example',
      ALLOWED_ORIGINS: 'https://app.example,http://localhost:3000',
    }
    expect(gateway(env)).toMatchObject({
      allowedHosts: [
        ...['localhost', '127.0.0.1', '[::1]'],
        ...['mcp.example', 'other.example', '192.0.2.7'],
      ],
      allowedOrigins: ['https://app.example', 'http://localhost:3000'],
    })
  })

  it.each([
    ['redis://127.0.0.1:6379'],
    ['rediss://user:secret@redis.example/2'],
    ['unix:///run/redis.sock'],
    ['redis+sentinel://a:1,b:2/main'],
    ['redis+cluster://a:1,b:2'],
  ])('takes the Redis address %s', (url) => {
    expect(gateway({ REDIS_URL: url }).redisUrl).toBe(url)
  })

  it.each([
    [{ PORT: 'http' }, 'PORT: "http" is not a whole number from 0 to 65535; correct PORT'],
    [{ PORT: '65536' }, 'PORT: "65536" is not a whole number'],
    [{ MCP_DRAIN_MS: '-1' }, 'MCP_DRAIN_MS: "-1" is not a whole number'],
    [{ MCP_SESSION_TTL_MS: '1.5' }, 'MCP_SESSION_TTL_MS: "1.5" is not a whole number'],
    [{ HOST: 'a b' }, 'HOST: "a b" is not a host name or an IP address'],
    [{ INSTANCE_ID: 'a/b' }, 'INSTANCE_ID: "a/b" is not an instance id'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL: "loud" is not one of error, warn, info, debug'],
    [{ ALLOWED_HOSTS: 'a:80' }, 'ALLOWED_HOSTS: "a:80" is not a host name'],
    [{ ALLOWED_ORIGINS: 'app.example' }, 'ALLOWED_ORIGINS: "app.example" is not an origin'],
    [{ REDIS_URL: 'localhost' }, 'REDIS_URL: not a Redis address like redis://host:6379'],
    [{ ACCESS_TOKEN: 'a b' }, 'ACCESS_TOKEN: only visible ASCII letters'],
  ])('refuses %o', (env, told) => {
    expect(() => gateway(env)).toThrow(told)
  })

  it('shows no secret in what it says', () => {
    const env = { REDIS_URL: 'redis:hunter2', ACCESS_TOKEN: 'hunter 2', CLUSTER_SECRET: 'hun ter' }
    expect(() => gateway(env)).toThrow(/^(?!.*hun ?ter)/s)
  })

  it('calls an option by its name when that was wrong', () => {
    expect(() => gateway({}, { port: 'x' })).toThrow('--port: "x" is not a whole number')
  })

  it('tells everything that is wrong at once', () => {
    expect(() => gateway({ PORT: 'x', LOG_LEVEL: 'y' })).toThrow(/^2 problems .*PORT.*LOG_LEVEL/s)
  })

  it.each(['0.0.0.0', '::', '192.0.2.7', 'router.example'])(
    'does not listen on %s without a token',
    (host) => {
      expect(() => gateway({ HOST: host })).toThrow('set ACCESS_TOKEN')
      expect(() => cluster({ GATEWAY_HOST: host })).toThrow('set ACCESS_TOKEN')
      expect(gateway({ HOST: host, ACCESS_TOKEN: 'secret' }).host).toBe(host)
    },
  )

  it.each(['localhost', '127.0.0.2', '::1', '[::1]'])('listens on %s without one', (host) => {
    expect(gateway({ HOST: host }).accessToken).toBeUndefined()
  })
})

describe('the configuration of a cluster', () => {
  it('has a default for everything', () => {
    expect(cluster()).toMatchObject({
      instances: 3,
      basePort: 8051,
      instancePrefix: 'router-instance',
      gatewayHost: '127.0.0.1',
      gatewayPort: 8080,
      affinity: 'ip_hash',
      redisUrl: undefined,
      serversFile: servers,
      managed: [],
    })
    expect(cluster({ MCP_RUN_DIR: join(folder, 'run') }).runDir).toBe(join(folder, 'run'))
  })

  it.each([
    [{ GATEWAY_PORT: '8052' }, /port 8052 is wanted by instance 2 .* and by Nginx/],
    [{ ROUTER_BASE_PORT: '65534', ROUTER_INSTANCES: '3' }, /there is no port 65536/],
    [{ ROUTER_INSTANCES: '0' }, /ROUTER_INSTANCES: "0" is not a whole number from 1 to 64/],
    [{ MCP_AFFINITY: 'luck' }, /"luck" is not one of ip_hash, session, round_robin/],
  ])('refuses %o', (env, told) => {
    expect(() => cluster(env)).toThrow(told)
  })

  it('refuses a port that a server to be started wants, too', () => {
    writeFileSync(servers, 'servers: { a: { url: "http://127.0.0.1:8053/mcp", start: run } }')
    expect(() => cluster()).toThrow('port 8053 is wanted by instance 3')
  })

  it('finds the run directory although the rest is wrong', () => {
    const env = { MCP_RUN_DIR: '/tmp/run', PORT: 'x', MCP_SERVERS_FILE: '/nowhere' }
    expect(loadRunDir(env)).toEqual({ runDir: '/tmp/run', drainMs: 30_000 })
  })
})
