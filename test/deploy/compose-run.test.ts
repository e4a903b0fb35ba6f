import { readFileSync } from 'node:fs'
import { get } from 'node:https'
import { join } from 'node:path'
import { expect } from 'vitest'
import { ask, post } from '../harness/http.js'
import { textOf, toolCall } from '../harness/rpc.js'
import { until } from '@mcp-router/testkit/wait'
import { serviceOf } from './recipe/compose-file.js'
import { openComposition } from './recipe/composition.js'
import { startLoad } from './recipe/load.js'
import { signalled } from './recipe/roll.js'
import { useStage } from './recipe/stage.js'
import { itWith } from './recipe/tools.js'

const stage = useStage()

const { stop_signal: signal, stop_grace_period: grace = '', deploy } = serviceOf('router')

itWith(
  ['nginx', 'tini'],
  'the services run; instances are added, restarted and removed behind Nginx, and no call fails',
  async () => {
    const { token, gatewayPort, tlsPort, startRouter, setRouters, startNginx } =
      await openComposition(stage())
    const base = `http://127.0.0.1:${gatewayPort}`
    const headers = { authorization: `Bearer ${token}` }
    /** The instances that Nginx asks in a row of requests. */
    const asked = async (): Promise<readonly string[]> => {
      const ids = new Set<string>()
      for (let request = 0; request < 15; request++)
        ids.add((await ask(`${base}/api/status`, { headers })).json().instance.id)
      return [...ids].sort()
    }
    const toAsk = (count: number) =>
      until(`Nginx to ask ${count} instances`, async () => (await asked()).length === count)

    const running = await Promise.all([0, 1, 2].map(startRouter))
    expect(running).toHaveLength(deploy!.replicas)
    setRouters([0, 1, 2])
    const nginx = await startNginx('nginx-conf')
    await toAsk(3)
    expect(await asked()).toEqual([0, 1, 2].map((n) => `router-container-${n}`))
    const route = `${base}/mcp/router/route/mcp-server-v6`
    const sum = await post(route, toolCall(1, 'add', { a: 1, b: 2 }), headers)
    expect(textOf(sum.text)).toBe('1 + 2 = 3')
    expect((await post(route, toolCall(1, 'add', { a: 1, b: 2 }))).status).toBe(401)

    const load = await startLoad(base, token)
    await load.goOn(2)
    // docker compose up --detach --scale router=5
    running.push(await startRouter(3), await startRouter(4))
    setRouters([0, 1, 2, 3, 4])
    await toAsk(5)
    // One is restarted; then there are three again. What has ended leaves DNS.
    for (const n of [0, 4, 3]) {
      await signalled(running[n]!, signal as NodeJS.Signals, Number.parseInt(grace))
      if (n === 0) await startRouter(0)
      else setRouters([0, 1, 2, 3].slice(0, n))
      await load.goOn(1)
    }
    await toAsk(3)
    expect(load.failures()).toEqual([])
    expect(await load.stop()).toBeGreaterThan(50)
    // Nginx logs no query, which may hold a session id.
    const logged = readFileSync(join(stage().folder, 'access.log'), 'utf8')
    expect(logged).toContain('/mcp/everything/message')
    expect(logged).not.toMatch(/sessionId=/)

    // The profile `tls`.
    await signalled(nginx, serviceOf('nginx').stop_signal as NodeJS.Signals, 45)
    await startNginx('nginx-tls-conf')
    const ca = readFileSync(join(stage().folder, 'tls/tls.crt'))
    // It answers 503 until it has looked the instances up.
    await until(
      'Nginx to answer over TLS',
      async () => (await statusOver(tlsPort, ca, headers)) === 200,
    )
  },
)

const statusOver = (port: number, ca: Buffer, headers: Record<string, string>): Promise<number> =>
  new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', servername: 'localhost', port, ca, headers }
    get({ ...options, path: '/api/status' }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    }).once('error', reject)
  })
