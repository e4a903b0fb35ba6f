import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { run } from '@mcp-router/testkit/process'
import type { Running } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import type { ServerEntry } from '../harness/backends.js'
import { firstStep } from './step.js'

const program = fileURLToPath(new URL('dist/hostile/server/main.js', import.meta.url))

/** Seconds: of a hostile server soon, of the calm one what a busy machine may need. */
const deadlineS = 3
/** How long a handshake may take, ms: a cold process on a busy machine takes its time, too. */
const openTimeoutMs = 8_000
const calmDeadlineS = 30

/** HostileServers are running servers, and their entries of a servers file. */
export interface HostileServers {
  readonly entries: Readonly<Record<string, ServerEntry>>
  /** What instances need to trust the https ones, and to give up on handshakes. */
  readonly env: Readonly<Record<string, string>>
  close(): Promise<void>
}

/**
 * openHostileServers starts one server per way of speaking, and a calm one. The servers `first-0`, `first-1` … are odd from their first answer
 * on; there are as many as `firsts` says.
 */
export const openHostileServers = async (seed: number, firsts: number): Promise<HostileServers> => {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-hostile-'))
  await makeCertificate(folder)
  const running: Running[] = []
  const start = async (way: string, ...more: readonly string[]): Promise<number> => {
    const process = run([program, '--seed', String(seed), '--way', way, ...more])
    running.push(process)
    return until('a hostile server to listen', () => {
      if (process.hasEnded()) throw new Error(process.output())
      const port = /listens on (\d+)/.exec(process.output())?.[1]
      return port === undefined ? undefined : Number(port)
    })
  }
  const [plain, tls, modern, modernTls, calm, calmModern] = await Promise.all([
    start('legacy'),
    start('legacy', '--tls', folder),
    start('modern'),
    start('modern', '--tls', folder),
    start('legacy'),
    start('modern'),
  ])
  const at = (port: number, path: string): ServerEntry => ({
    url: `${port === tls || port === modernTls ? 'https' : 'http'}://127.0.0.1:${port}${path}`,
    ...(path.endsWith('/sse') && { transport: 'sse' }),
    deadline: deadlineS,
  })
  const command = (way: string, ...more: readonly string[]): ServerEntry => ({
    command: process.execPath,
    args: [program, '--seed', String(seed), '--way', way, '--stdio', ...more],
    deadline: deadlineS,
  })
  const odd = {
    http: at(plain, '/mcp'),
    https: at(tls, '/mcp'),
    sse: at(plain, '/sse'),
    sses: at(tls, '/sse'),
    stdio: command('legacy'),
    modern: at(modern, '/mcp'),
    moderns: at(modernTls, '/mcp'),
    pipe: command('modern'),
  }
  const first = (n: number): ServerEntry => {
    const step = firstStep(n)
    const kinds = [
      at(plain, `/first/${step}/mcp`),
      at(tls, `/first/${step}/mcp`),
      at(plain, `/first/${step}/sse`),
      at(modern, `/first/${step}/mcp`),
      at(tls, `/first/${step}/sse`),
      at(modernTls, `/first/${step}/mcp`),
      command('legacy', '--first', String(step)),
      command('modern', '--first', String(step)),
    ]
    return kinds[n % kinds.length] ?? {}
  }
  const calmly = { deadline: calmDeadlineS }
  return {
    entries: {
      ...odd,
      calm: { ...at(calm, '/mcp'), ...calmly },
      'calm-modern': { ...at(calmModern, '/mcp'), ...calmly },
      'calm-sse': { ...at(calm, '/sse'), ...calmly },
      'calm-stdio': { ...command('legacy'), ...calmly },
      ...Object.fromEntries(Array.from({ length: firsts }, (_, n) => [`first-${n}`, first(n)])),
    },
    env: {
      NODE_EXTRA_CA_CERTS: join(folder, 'certificate.pem'),
      MCP_OPEN_TIMEOUT_MS: String(openTimeoutMs),
    },
    async close() {
      await Promise.all(running.map((each) => each.stop()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const makeCertificate = async (folder: string): Promise<void> => {
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'certificate.pem')]
  const kind = ['-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  const names = ['-subj', '/CN=hostile', '-addext', 'subjectAltName=IP:127.0.0.1']
  await promisify(execFile)('openssl', ['req', ...kind, ...files, ...names])
}
