import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { freePorts } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ownCluster, serversText, type OwnCluster, type Ran } from './own-cluster.js'
import { namesOf, pidFilesOf, pidsOf, start } from './own-processes.js'

let cluster: OwnCluster

// Each test leaves it as it was started, but for the last one.
beforeAll(async () => {
  cluster = await ownCluster()
  const text = readFileSync(cluster.serversFile, 'utf8')
  const url = `http://127.0.0.1:${cluster.backendPort}/mcp`
  const named = url.replace(/\d+\/mcp/, `\${A_PORT:-${cluster.backendPort}}/mcp`)
  writeFileSync(cluster.serversFile, text.replace(url, named))
  await start(cluster)
})
afterAll(() => cluster.close())

const startWith = (env: Readonly<Record<string, string>>): Promise<Ran> =>
  cluster.run(['cluster', 'start'], { env })

const siteConf = (): string => readFileSync(join(cluster.runDir, 'nginx', 'site.conf'), 'utf8')

const listTools = async (token?: string): Promise<number> => {
  const { status } = await fetch(`${cluster.base}/mcp/router/route/example`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
  })
  return status
}

describe('start with other settings than those of the running instances', () => {
  it('refuses, names them and changes nothing; restart applies them', async () => {
    const env = { ACCESS_TOKEN: 'an-access-token-of-a-test', MCP_MAX_SESSIONS: '7' }
    const before = [siteConf(), pidsOf(cluster)]
    const { code, text } = await startWith(env)
    expect(text).toContain(
      'the running cluster uses other settings (ACCESS_TOKEN added, MCP_MAX_SESSIONS 10000 → 7); nothing was changed: "export MCP_MAX_SESSIONS=10000" for this cluster and ACCESS_TOKEN as it was started, or run scripts/start-instances.sh restart to apply this shell\'s settings',
    )
    expect([code, siteConf(), pidsOf(cluster)]).toEqual([1, ...before])
    expect(await listTools()).toBe(200)

    expect((await cluster.run(['cluster', 'restart'], { env })).code).toBe(0)
    expect([await listTools(), await listTools(env.ACCESS_TOKEN)]).toEqual([401, 200])
    expect((await startWith(env)).text).toContain('nothing to do')
    // And with a token, a start without it is refused, too.
    expect((await startWith({})).text).toContain(
      '(ACCESS_TOKEN removed, MCP_MAX_SESSIONS 7 → 10000)',
    )
    const refused = await cluster.run(['cluster', 'restart'])
    expect([refused.code, refused.text]).toEqual([1, expect.stringContaining('--remove-token')])
    expect(refused.text).toContain(
      'settings change: ACCESS_TOKEN removed, MCP_MAX_SESSIONS 7 → 10000',
    )
    expect([await listTools(), await listTools(env.ACCESS_TOKEN)]).toEqual([401, 200])
    const folder = join(cluster.runDir, 'pids')
    const kept = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
    expect(kept.join('\n')).not.toContain(env.ACCESS_TOKEN)

    expect((await cluster.run(['cluster', 'restart', '--remove-token'])).code).toBe(0)
    // Nginx refuses by itself who shows no token: it begins with a new configuration some time after it was told.
    await expect.poll(() => listTools()).toBe(200)
  })

  it('refuses a restart with a port for Nginx that another has', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const env = { GATEWAY_PORT: String((holder.address() as AddressInfo).port) }
    try {
      const before = pidsOf(cluster)
      const { code, text } = await cluster.run(['cluster', 'restart'], { env })
      expect(text).toContain(`nginx: port ${env.GATEWAY_PORT} is taken by`)
      expect([code, pidsOf(cluster)]).toEqual([1, before])
    } finally {
      holder.close()
    }
  })

  it('names another Redis and another servers file', async () => {
    const other = join(cluster.folder, 'other.yaml')
    writeFileSync(other, readFileSync(cluster.serversFile))
    const env = { REDIS_URL: 'redis://127.0.0.1:1', MCP_SERVERS_FILE: other }
    expect((await startWith(env)).text).toContain(
      `(MCP_SERVERS_FILE ${cluster.serversFile} → ${other}, REDIS_URL changed)`,
    )
    expect(await listTools()).toBe(200)
  })

  it('names extra instances', async () => {
    const { code, text } = await startWith({ ROUTER_INSTANCES: '1' })
    const extra = `router-${cluster.instancePorts[1]!}`
    expect(text).toContain(`(ROUTER_INSTANCES: ${extra} is extra)`)
    expect(code).toBe(1)
  })

  it.each(['start', 'restart'])('%s refuses other ports and changes nothing', async (verb) => {
    const [before] = cluster.instancePorts
    const now = cluster.backendPort + 1
    const other = join(cluster.folder, 'other.yaml')
    const [gateway, backend] = [await freePorts(1), await freePorts(1)]
    writeFileSync(other, serversText(backend))
    const env = {
      ...{ ROUTER_BASE_PORT: String(now), GATEWAY_PORT: String(gateway) },
      MCP_SERVERS_FILE: other,
    }
    const ran = [siteConf(), pidFilesOf(cluster), pidsOf(cluster)]
    const { code, text } = await cluster.run(['cluster', verb], { env })
    expect([code, siteConf(), pidFilesOf(cluster), pidsOf(cluster)]).toEqual([1, ...ran])
    expect(text).toContain(`GATEWAY_PORT ${cluster.gatewayPort} → ${gateway}`)
    expect(text).toContain(`ROUTER_BASE_PORT ${before!} → ${now}`)
    expect(text).toContain('scripts/start-instances.sh stop, then start, to apply')
  })

  it('restart keeps the ports of servers and changes nothing', async () => {
    const env = { A_PORT: String(await freePorts(1)) }
    const before = [pidFilesOf(cluster), pidsOf(cluster)]
    const ran = await cluster.run(['cluster', 'restart'], { env })
    expect(ran.text).toContain(`other ports (A_PORT none → ${env.A_PORT}); nothing was changed`)
    expect([ran.code, pidFilesOf(cluster), pidsOf(cluster)]).toEqual([1, ...before])
  })

  it('goes on beside a server that runs with another command line, and says so', async () => {
    const text = readFileSync(cluster.serversFile, 'utf8')
    writeFileSync(cluster.serversFile, `${text.trimEnd()} --name other\n`)
    const ran = await startWith({})
    writeFileSync(cluster.serversFile, text)
    const name = namesOf(cluster)[1]!
    expect(ran.text).toContain(`${name} runs with other settings (start): `)
    expect(ran.text).toContain(`scripts/start-instances.sh restart ${cluster.backendPort}`)
    expect(ran.code).toBe(0)
  })

  it('names those of Nginx, too, which stays where it is until the restart', async () => {
    const port = await freePorts(1)
    const env = {
      ...{ GATEWAY_PORT: String(port), GATEWAY_CLIENT_CONNECTIONS: '99' },
      MCP_AFFINITY: 'session',
    }
    const before = [siteConf(), pidsOf(cluster)]
    const { code, text } = await startWith(env)
    const { port: portBefore } = new URL(cluster.base)
    expect(text).toMatch(
      new RegExp(
        `uses other settings \\(GATEWAY_CLIENT_CONNECTIONS \\d+ → 99, GATEWAY_PORT ${portBefore} → ${port}, MCP_AFFINITY ip_hash → session\\); nothing was changed: "export .*GATEWAY_PORT=${portBefore}.*" for this cluster, or run scripts/start-instances.sh restart to apply`,
      ),
    )
    expect([code, siteConf(), pidsOf(cluster)]).toEqual([1, ...before])
    expect(await listTools()).toBe(200)

    expect((await cluster.run(['cluster', 'restart'], { env })).code).toBe(0)
    await until('Nginx at its new port', () =>
      fetch(`http://127.0.0.1:${port}/health`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    )
    expect((await startWith(env)).text).toContain('nothing to do')
    expect((await startWith({ ...env, MCP_AFFINITY: 'ip_hash' })).text).toContain(
      '(MCP_AFFINITY session → ip_hash)',
    )
  })
})

it('start starts instances that were added', async () => {
  const other = await ownCluster()
  onTestFinished(() => other.close())
  // The port behind the two is that of Nginx.
  const alone = await other.run(['cluster', 'start'], { env: { ROUTER_INSTANCES: '1' } })
  expect(alone.code).toBe(0)
  const { code, text } = await other.run(['cluster', 'start'])
  expect([code, text]).toEqual([0, expect.stringContaining('started 1 in')])
})
