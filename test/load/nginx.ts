import { mainConf, siteConf } from '@mcp-router/nginx'
import { mkdir, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { isListening } from '@mcp-router/testkit/process'
import { findBinary } from './binary.js'
import type { Child, Children } from './children.js'
import { proxySecret } from './instance.js'

/** BenchNginx is a running Nginx. */
export interface BenchNginx {
  readonly child: Child
  readonly base: string
  readonly accessLog: string
}

/** NginxSpec says where an Nginx listens and keeps its files. */
export interface NginxSpec {
  readonly name: string
  readonly dir: string
  readonly port: number
}

/** startBareNginx starts the baseline: proxy_pass with kept connections, one worker, nothing else. */
export const startBareNginx = (
  children: Children,
  spec: NginxSpec,
  stubPort: number,
): Promise<BenchNginx> => start(children, spec, bareConf(spec.port, stubPort))

/** startClusterNginx starts what operators run, taking the instances in turn: most calls land where no session was opened. */
export const startClusterNginx = async (
  children: Children,
  spec: NginxSpec,
  instances: readonly string[],
): Promise<BenchNginx> => {
  for (const name of ['pids', 'logs', 'nginx'])
    await mkdir(join(spec.dir, name), { recursive: true })
  const siteFile = join(spec.dir, 'site.conf')
  const { port } = spec
  const affinity = 'round_robin'
  await writeFile(
    siteFile,
    siteConf({ host: '127.0.0.1', port, instances, affinity, serverNames: [], proxySecret }),
  )
  return start(children, spec, mainConf({ runDir: spec.dir, siteFile }))
}

const start = async (
  children: Children,
  { name, dir, port }: NginxSpec,
  conf: string,
): Promise<BenchNginx> => {
  await mkdir(dir, { recursive: true })
  const file = join(dir, 'nginx.conf')
  await writeFile(file, conf)
  const child = children.start({
    name,
    command: await findBinary('nginx'),
    args: ['-p', dir, '-e', join(dir, 'error.log'), '-c', file, '-g', 'daemon off;'],
  })
  await child.ready(() => isListening(port))
  const accessLog = join(dir, 'logs', 'nginx-access.log')
  return { child, base: `http://127.0.0.1:${port}`, accessLog }
}

/** Root's workers stay root, to reach the run directory. Events are not buffered: nobody would run it otherwise. */
const bareConf = (port: number, stubPort: number): string => `${asSelf()}
worker_processes 1;
pid nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  upstream stub {
    server 127.0.0.1:${stubPort};
    keepalive 128;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    location / { proxy_pass http://stub; }
    location /sse-mcp { proxy_pass http://stub; proxy_buffering off; }
  }
}
`

const asSelf = (): string => (process.getuid?.() === 0 ? `user ${userInfo().username};` : '')
