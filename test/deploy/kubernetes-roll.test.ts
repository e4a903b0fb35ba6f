import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { ask } from '../harness/http.js'
import { freePorts } from '@mcp-router/testkit/process'
import type { Running } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { lastOf } from './recipe/dockerfile.js'
import { openDns } from './recipe/dns.js'
import { startLoad } from './recipe/load.js'
import { environmentOf, manifestOf } from './recipe/manifests.js'
import type { Container, Pod } from './recipe/manifests.js'
import { runProgram, startProgram } from './recipe/program.js'
import { signalled } from './recipe/roll.js'
import { secrets, useStage } from './recipe/stage.js'
import { findTool, itWith, root } from './recipe/tools.js'

const stage = useStage()

const { spec: pod } = manifestOf('Deployment').spec.template
const container = pod.containers[0] as Container
const preStop = container.lifecycle.preStop.exec.command
const drainS = pod.terminationGracePeriodSeconds - Number(preStop[1])

/** ingressConf is an Nginx as the controller of ingress-nginx sets one up by the annotations. */
const ingressConf = (folder: string, port: number, dnsPort: number, podPort: number): string => {
  const { annotations = {} } = manifestOf('Ingress').metadata
  const said = (name: string): string => annotations[`nginx.ingress.kubernetes.io/${name}`]!
  const { host } = manifestOf('Ingress').spec.rules[0]
  return `pid ${folder}/nginx.pid; error_log ${folder}/nginx.log; events {}
http {
  access_log off;
  client_max_body_size ${said('proxy-body-size')};
  upstream pods {
    zone pods 64k; resolver 127.0.0.1:${dnsPort} valid=1s;
    server mcp-router:${podPort} resolve max_fails=0;
    keepalive 32;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://pods;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host ${host};
      proxy_set_header X-Request-ID $request_id;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Host ${host};
      proxy_buffering ${said('proxy-buffering')};
      proxy_connect_timeout ${said('proxy-connect-timeout')};
      proxy_read_timeout ${said('proxy-read-timeout')};
      proxy_send_timeout ${said('proxy-send-timeout')};
      proxy_next_upstream ${said('proxy-next-upstream')};
      proxy_next_upstream_tries ${said('proxy-next-upstream-tries')};
    }
  }
}`
}

itWith(
  ['nginx', 'tini'],
  'a rolling update with the environment and the lifecycle of the chart costs no call and no session',
  async () => {
    const { folder, keep, before, redisUrl, serversFile } = stage()
    const port = await freePorts(2)
    const dns = await openDns()
    before(() => dns.close())
    const files = join(folder, 'secrets')
    mkdirSync(files)
    const values = {
      ACCESS_TOKEN: secrets.accessToken,
      CLUSTER_SECRET: secrets.clusterSecret,
      PROXY_SECRET: secrets.proxySecret,
      REDIS_URL: redisUrl,
    }
    for (const [name, value] of Object.entries(values))
      writeFileSync(join(files, name), `${value}\n`)
    const moved = (value: string): string =>
      value
        .replace('/etc/mcp-router/servers/mcp-servers.yaml', serversFile)
        .replace('/etc/mcp-router/secrets', files)
        .replace(/^8051$/, String(port))
    const [, dashes, entrypoint] = JSON.parse(lastOf('ENTRYPOINT')) as readonly string[]
    const command = JSON.parse(lastOf('CMD')) as readonly string[]
    const words = ['-s', dashes!, entrypoint!.replace('/opt/mcp-router', root), ...command]
    const isReady = async ({ ip }: Pod): Promise<boolean> =>
      (await ask(`http://${ip}:${port}${container.readinessProbe.httpGet.path}`)).status === 200
    const inService = new Set<string>()
    const publish = (): void => void (dns.addresses = [...inService])
    const startPod = async (n: number): Promise<[Pod, Running]> => {
      const made = { name: `mcp-router-5d8f-${n}`, ip: `127.0.0.${31 + n}` }
      const env = environmentOf(container, made, moved)
      const running = keep(startProgram(findTool('tini')!, words, { env, cwd: root }))
      const check = () => {
        if (running.hasEnded()) throw new Error(running.output())
        return isReady(made)
      }
      await until(`${made.name} to be ready`, check, 30_000)
      inService.add(made.ip)
      publish()
      return [made, running]
    }
    /** As the kubelet: it leaves the Service, preStop runs, then comes the signal. */
    const endPod = async ({ ip }: Pod, running: Running): Promise<void> => {
      inService.delete(ip)
      publish()
      await runProgram(preStop[0]!, preStop.slice(1))
      await signalled(running, 'SIGTERM', drainS)
    }

    const old = await Promise.all([0, 1, 2].map(startPod))
    const conf = join(folder, 'ingress.conf')
    writeFileSync(conf, ingressConf(folder, port + 1, dns.port, port))
    keep(startProgram(findTool('nginx')!, ['-c', conf, '-p', folder, '-g', 'daemon off;']))
    const base = `http://127.0.0.1:${port + 1}`
    await until('the ingress', async () => (await ask(`${base}/ready`)).status === 200)
    const load = await startLoad(base, secrets.accessToken)
    await load.goOn(2)
    // maxSurge 1, maxUnavailable 0: the next pod starts while the one before is ending.
    const ending: Promise<void>[] = []
    for (const [n, [made, running]] of old.entries()) {
      await startPod(3 + n)
      ending.push(endPod(made, running))
      await load.goOn(1)
    }
    await Promise.all(ending)
    await load.goOn(1)
    expect(load.failures()).toEqual([])
    expect(await load.stop()).toBeGreaterThan(50)
    const headers = { authorization: `Bearer ${secrets.accessToken}` }
    const { instances } = (await ask(`${base}/api/status`, { headers })).json()
    const ids = instances.map(({ id, address }: Record<string, string>) => [id, address]).sort()
    expect(ids).toEqual(
      [3, 4, 5].map((n) => [`mcp-router-5d8f-${n}`, `http://127.0.0.${31 + n}:${port}`]),
    )
  },
)
