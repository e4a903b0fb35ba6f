import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { parse, stringify } from 'yaml'
import { ask } from '../../harness/http.js'
import { exampleServer } from '../../harness/paths.js'
import { freePorts } from '@mcp-router/testkit/process'
import { inherited } from '@mcp-router/testkit/process'
import type { Running } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { composeFile, composeFolder, here, serviceOf, wordsOf } from './compose-file.js'
import type { Replacement } from './compose-file.js'
import { openDns } from './dns.js'
import { lastOf } from './dockerfile.js'
import { runProgram, startProgram } from './program.js'
import type { Stage } from './stage.js'
import { findTool, root } from './tools.js'

/** Composition is the services of the compose file as processes: their commands, variables and files, with addresses and paths of this machine. */
export interface Composition {
  readonly token: string
  readonly gatewayPort: number
  readonly tlsPort: number
  /** Starts the nth container of the service `router`, and resolves once it is ready. */
  readonly startRouter: (n: number) => Promise<Running>
  /** What DNS answers for `router` from now on. */
  readonly setRouters: (ns: readonly number[]) => void
  /** Writes the configuration as this one-shot service does, and starts Nginx with it. */
  readonly startNginx: (writer: 'nginx-conf' | 'nginx-tls-conf') => Promise<Running>
}

/** On a machine that is busy with other tests. */
const startMs = 30_000

const addressOf = (n: number): string => `127.0.0.${11 + n}`

/** openComposition starts Redis and the example server of the file; the stage ends what is started. */
export const openComposition = async ({
  folder,
  serversFile,
  keep,
  before,
}: Stage): Promise<Composition> => {
  await runProgram(join(composeFolder, 'init.sh'), ['--folder', folder, '--tls', 'localhost'])
  const redisPort = await freePorts(5)
  const [examplePort, routerPort] = [redisPort + 1, redisPort + 2]
  const [gatewayPort, tlsPort] = [redisPort + 3, redisPort + 4]
  const dns = await openDns()
  before(() => dns.close())
  for (const name of ['conf.d', 'redis-data']) mkdirSync(join(folder, name))
  const secretFiles = Object.entries(composeFile.secrets).map(([name, { file }]): Replacement => [
    `/run/secrets/${name}`,
    join(folder, file),
  ])
  const local = (text: string): string =>
    here(text, [
      ...secretFiles,
      ['/etc/mcp-router/mcp-servers.yaml', join(folder, 'all.yaml')],
      ['/etc/nginx/conf.d', join(folder, 'conf.d')],
      ['/etc/nginx/tls', join(folder, 'tls')],
      ['/var/log/nginx', folder],
      ['redis://redis:6379', `redis://127.0.0.1:${redisPort}`],
      ['8071', String(examplePort)],
      ['http://example:', 'http://127.0.0.1:'],
      ['8051', String(routerPort)],
      ['0.0.0.0:8080', `127.0.0.1:${gatewayPort}`],
      ['0.0.0.0:8443', `127.0.0.1:${tlsPort}`],
      // The DNS of Docker's networks.
      ['--resolver 127.0.0.11', `--resolver 127.0.0.1:${dns.port}`],
      ['0.0.0.0', '127.0.0.1'],
    ])
  const begin = (
    name: string,
    words: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): Running => {
    const own = Object.entries(serviceOf(name).environment ?? {})
    const env = Object.fromEntries(own.map(([key, value]) => [key, local(value)]))
    const [command = '', ...args] = words.map(local)
    return keep(startProgram(command, args, { env: { ...env, ...more }, cwd: root }))
  }

  // The servers of the recipe, and those that the clients of this test call.
  const serversIn = (path: string): object =>
    (parse(readFileSync(path, 'utf8')) as { servers: object }).servers
  const servers = {
    ...serversIn(join(composeFolder, 'mcp-servers.yaml')),
    ...serversIn(serversFile),
  }
  writeFileSync(join(folder, 'all.yaml'), local(stringify({ servers })))
  const redis = begin('redis', [
    ...wordsOf(serviceOf('redis').command),
    ...['--port', String(redisPort), '--bind', '127.0.0.1', '--dir', join(folder, 'redis-data')],
  ])
  await until('Redis to listen', () => redis.output().includes('Ready to accept connections'))
  const [, , ...exampleArgs] = wordsOf(serviceOf('example').command)
  begin('example', [process.execPath, exampleServer, ...exampleArgs])

  return {
    token: readFileSync(join(folder, 'secrets/access-token'), 'utf8').trim(),
    gatewayPort,
    tlsPort,
    async startRouter(n) {
      const bin = join(folder, `bin-${n}`)
      writeHostname(bin, `container-${n}`, addressOf(n))
      const [init, dashes, entrypoint] = JSON.parse(lastOf('ENTRYPOINT')) as readonly string[]
      const command = JSON.parse(lastOf('CMD')) as readonly string[]
      const ours = entrypoint!.replace('/opt/mcp-router', root)
      const words = [findTool('tini') ?? init!, '-s', dashes!, ours, ...command]
      const router = begin('router', words, { PATH: `${bin}:${inherited()['PATH']}` })
      const url = `http://${addressOf(n)}:${routerPort}`
      const isReady = async (): Promise<boolean> => {
        if (router.hasEnded()) throw new Error(router.output())
        return (await ask(`${url}/ready`)).status === 200
      }
      await until(`${url} to be ready`, isReady, startMs)
      return router
    },
    setRouters(ns) {
      dns.addresses = ns.map(addressOf)
    },
    async startNginx(writer) {
      const { entrypoint = [], command } = serviceOf(writer)
      const writing = begin(writer, [...entrypoint, ...wordsOf(command)])
      expect(await writing.ended, writing.output()).toBe(0)
      const main = join(folder, 'nginx.conf')
      // As that of the image: what it includes is all that counts here.
      writeFileSync(
        main,
        `pid ${folder}/nginx.pid; events {} http { include ${folder}/conf.d/*.conf; }`,
      )
      const [errors, prefix] = [join(folder, 'nginx.log'), folder]
      const args = ['-c', main, '-p', prefix, '-e', errors, '-g', 'daemon off;']
      return keep(startProgram(findTool('nginx')!, args))
    },
  }
}

/** In a container `hostname` says its name, and its addresses with -i. */
const writeHostname = (bin: string, name: string, address: string): void => {
  mkdirSync(bin, { recursive: true })
  const script = `#!/bin/sh\n[ "\${1:-}" = -i ] && echo "${address} 172.16.0.9" || echo ${name}\n`
  writeFileSync(join(bin, 'hostname'), script)
  chmodSync(join(bin, 'hostname'), 0o755)
}
