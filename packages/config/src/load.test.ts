import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Env } from './environment.js'
import { loadGatewayConfig, loadRunDir, type GatewayOverrides } from './load.js'
import { loadClusterConfig } from './load-cluster.js'
import { environmentSchema } from './schema.js'
import { makeProxySecret } from './proxy-secret.js'

const strong = 'a-token-nobody-guesses'

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
      openTimeoutMs: 60_000,
      maxSessions: 10_000,
      maxStdioSessions: 100,
      maxProcesses: 8,
      maxHandshakeBytes: 65_536,
      inputTtlMs: 600_000,
      endpointPatienceMs: 5_000,
      maxBodyBytes: 4_194_304,
      maxResponseBytes: 67_108_864,
      responseIdleMs: 30_000,
      connectTimeoutMs: 3_000,
      storePatienceMs: 5_000,
      streamPatienceMs: 30_000,
      maxReplayBytes: 268_435_456,
      toolsTtlMs: 60_000,
      maxLanes: 256,
      parkedMs: 10_000,
      requestHeadMs: 10_000,
      requestMs: 60_000,
      idleConnectionMs: 75_000,
      accessToken: undefined,
      allowedHosts: ['localhost', '127.0.0.1', '[::1]'],
      allowedOrigins: [],
      trustedProxies: [],
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
      ACCESS_TOKEN: strong,
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
    const TRUSTED_PROXIES = 'loopback, 10.0.0.0/8,fd00::/8,192.0.2.1'
    const trustedProxies = ['loopback', '10.0.0.0/8', 'fd00::/8', '192.0.2.1']
    expect(gateway({ TRUSTED_PROXIES })).toMatchObject({ trustedProxies })
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
    // A life that ends between two touches is renewed for ever by the instance that remembers it.
    [
      { MCP_SESSION_TTL_MS: '14999' },
      'MCP_SESSION_TTL_MS: 14999 is less than three times MCP_TOUCH_MS (5000); set it to 15000 or more, or lower MCP_TOUCH_MS',
    ],
    [
      { MCP_TOUCH_MS: '1000000' },
      'MCP_SESSION_TTL_MS: 1800000 is less than three times MCP_TOUCH_MS (1000000)',
    ],
    [{ MCP_SESSION_TTL_MS: '1.5' }, 'MCP_SESSION_TTL_MS: "1.5" is not a whole number'],
    // Node turns a longer one into 1 ms.
    [
      { MCP_OPEN_TIMEOUT_MS: '4294967296' },
      'MCP_OPEN_TIMEOUT_MS: "4294967296" is not a whole number from 1 to 2073600000',
    ],
    [{ HOST: 'a b' }, 'HOST: "a b" is not a host name or an IP address'],
    [{ HOST: '999.1.1.1' }, 'HOST: "999.1.1.1" is not a host name or an IP address'],
    [{ INSTANCE_ID: 'a/b' }, 'INSTANCE_ID: "a/b" is not an instance id'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL: "loud" is not one of error, warn, info, debug'],
    [{ ALLOWED_HOSTS: '*' }, 'ALLOWED_HOSTS: "*" is not a host name; write out each name'],
    [{ ALLOWED_HOSTS: 'a,*.b' }, 'ALLOWED_HOSTS: "*.b" is not a host name; write out each'],
    [{ ALLOWED_HOSTS: 'a:80' }, 'ALLOWED_HOSTS: "a:80" is not a host name'],
    [{ ALLOWED_ORIGINS: 'app.example' }, 'ALLOWED_ORIGINS: "app.example" is not an origin'],
    [{ TRUSTED_PROXIES: 'proxy.example' }, 'TRUSTED_PROXIES: "proxy.example" is not an address'],
    [{ TRUSTED_PROXIES: 'loopback,10.0.0.0/33' }, '"10.0.0.0/33" is not an address, a subnet'],
    [
      { REDIS_URL: 'redis://h/abc' },
      'REDIS_URL: the Redis URL has no number where that of a database',
    ],
    [
      { REDIS_URL: 'redis+cluster://h/1' },
      'REDIS_URL: the Redis URL names a database, and a Redis',
    ],
    [{ REDIS_URL: 'localhost' }, 'REDIS_URL: not a Redis address like redis://host:6379'],
    [{ ACCESS_TOKEN: 'a b' }, 'ACCESS_TOKEN: only visible ASCII characters'],
  ])('refuses %o', (env, told) => {
    expect(() => gateway(env)).toThrow(told)
  })

  it('takes no duration that a timer of Node cannot wait for', () => {
    const durations = Object.keys(environmentSchema.shape).filter((name) => name.endsWith('_MS'))
    expect(durations.length).toBeGreaterThan(8)
    for (const name of durations)
      for (const tooLong of [2 ** 31 - 1, 365 * 24 * 60 * 60 * 1000])
        expect(() => gateway({ [name]: String(tooLong) })).toThrow(`${name}: `)
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

  const notOurs = 'is no address or name of this machine; correct it'
  it.each([
    ['0.0.0.0', 'set ACCESS_TOKEN'],
    ['::', 'set ACCESS_TOKEN'],
    ['192.0.2.7', notOurs],
    ['router.example', notOurs],
  ])('does not listen on %s without a token', (host, told) => {
    expect(() => gateway({ HOST: host })).toThrow(told)
    expect(() => cluster({ GATEWAY_HOST: host })).toThrow(told)
    expect(gateway({ HOST: host, ACCESS_TOKEN: strong }).host).toBe(host)
  })

  it.each(['x', 'fifteen-letters', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'])(
    'does not listen beyond this machine with a token that can be guessed (%s), and shows it nowhere',
    (token) => {
      const env = { HOST: '0.0.0.0', ACCESS_TOKEN: token }
      expect(() => gateway(env)).toThrow(/ACCESS_TOKEN can be guessed; set .*openssl rand/)
      expect(() => cluster({ ...env, HOST: '', GATEWAY_HOST: '::' })).toThrow('GATEWAY_HOST')
      expect(() => gateway(env)).not.toThrow(new RegExp(`"${token}"`))
      expect(gateway({ ACCESS_TOKEN: token }).accessToken).toBe(token)
    },
  )

  it.each(['x', 'fifteen-letters', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'])(
    'nor with a cluster secret that can be guessed (%s)',
    (secret) => {
      const env = { HOST: '0.0.0.0', ACCESS_TOKEN: strong, CLUSTER_SECRET: secret }
      const told = /CLUSTER_SECRET can be guessed; set CLUSTER_SECRET to 16 random .*openssl rand/
      expect(() => gateway(env)).toThrow(told)
      expect(() => cluster({ ...env, HOST: '', GATEWAY_HOST: '::' })).toThrow(told)
      expect(gateway({ CLUSTER_SECRET: secret }).clusterSecret).toBe(secret)
      expect(gateway({ ...env, CLUSTER_SECRET: strong }).clusterSecret).toBe(strong)
    },
  )

  it('knows the Nginx of a cluster by the secret in the run directory, or the one that is set', () => {
    const MCP_RUN_DIR = mkdtempSync(join(folder, 'run-'))
    expect(gateway({ MCP_RUN_DIR }).proxySecret).toBeUndefined()
    const made = makeProxySecret(MCP_RUN_DIR)
    expect(made).toMatch(/^[\w-]{43}$/)
    expect(makeProxySecret(MCP_RUN_DIR)).toBe(made)
    expect(statSync(join(MCP_RUN_DIR, 'proxy-secret')).mode & 0o777).toBe(0o600)
    expect(gateway({ MCP_RUN_DIR }).proxySecret).toBe(made)
    expect(gateway({ MCP_RUN_DIR, PROXY_SECRET: 'shown' }).proxySecret).toBe('shown')
  })

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
