import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { stringify } from 'yaml'
import { everythingEntry } from '../../harness/backends.js'
import type { ServerEntry } from '../../harness/backends.js'
import { ask } from '../../harness/http.js'
import { exampleServer } from '../../harness/paths.js'
import { freePorts } from '@mcp-router/testkit/process'
import type { Running } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { startProgram } from './program.js'
import { workerEntry } from './worker.js'

/** Stage is what stands around the instances that a recipe starts. */
export interface Stage {
  /** Removed at the end. */
  readonly folder: string
  readonly redisUrl: string
  /** With the servers `example`, which listens, and `everything` and `worker`, which are commands. */
  readonly serversFile: string
  readonly exampleUrl: string
  /** Runs a program until the tests of the file have ended, and gives it back. */
  readonly keep: (program: Running) => Running
  /** Has something done before the programs are stopped. */
  readonly before: (close: () => Promise<unknown>) => void
}

/** The secrets of the tests, long enough to listen beyond loopback. */
export const secrets = {
  accessToken: 'access-token-of-the-deploy-tests',
  clusterSecret: 'cluster-secret-of-the-deploy-tests',
  proxySecret: 'proxy-secret-of-the-deploy-tests',
} as const

/** useStage gives the tests of a file Redis and the example server, on free ports. */
export const useStage = (servers: Readonly<Record<string, ServerEntry>> = {}): (() => Stage) => {
  let opening: ReturnType<typeof openStage> | undefined
  let stage: Stage | undefined
  beforeAll(async () => {
    opening = openStage(servers)
    stage = (await opening).stage
  })
  afterAll(async () => (await opening?.catch(() => undefined))?.close())
  return () => {
    if (stage === undefined) throw new Error('the stage is not open')
    return stage
  }
}

const openStage = async (
  servers: Readonly<Record<string, ServerEntry>>,
): Promise<{ readonly stage: Stage; close(): Promise<void> }> => {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-deploy-'))
  // Services may drop to a user of their own.
  chmodSync(folder, 0o755)
  const programs: Running[] = []
  const closing: (() => Promise<unknown>)[] = []
  const keep = (program: Running): Running => {
    programs.push(program)
    return program
  }
  const close = async (): Promise<void> => {
    const failed: unknown[] = []
    const stops = [...closing.reverse(), ...programs.reverse().map((each) => () => each.stop())]
    for (const stop of stops) await stop().catch((error: unknown) => failed.push(error))
    const kept = process.env['MCP_TEST_KEEP']
    if (kept)
      for (const each of programs) writeFileSync(join(folder, `${each.pid}.log`), each.output())
    if (kept) cpSync(folder, join(kept, basename(folder)), { recursive: true })
    rmSync(folder, { recursive: true, force: true })
    if (failed.length > 0) throw failed[0]
  }
  try {
    return { stage: await openAll(folder, servers, keep, closing), close }
  } catch (error) {
    await close()
    throw error
  }
}

const openAll = async (
  folder: string,
  servers: Readonly<Record<string, ServerEntry>>,
  keep: Stage['keep'],
  closing: (() => Promise<unknown>)[],
): Promise<Stage> => {
  const port = await freePorts(2)
  const redisDir = join(folder, 'redis')
  mkdirSync(redisDir)
  const redis = keep(
    startProgram('redis-server', [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', redisDir, '--save', ''],
    ]),
  )
  await until('Redis to listen', () => /Ready to accept connections/.test(redis.output()))
  keep(startProgram(process.execPath, [exampleServer, '--port', String(port + 1)]))
  const exampleUrl = `http://127.0.0.1:${port + 1}/mcp`
  await until('the example server', async () => (await ask(exampleUrl)).status > 0)
  const serversFile = join(folder, 'servers.yaml')
  const own = { example: { url: exampleUrl }, everything: everythingEntry, worker: workerEntry }
  const all = { ...own, ...servers }
  writeFileSync(serversFile, stringify({ servers: all }))
  return {
    folder,
    redisUrl: `redis://127.0.0.1:${port}`,
    serversFile,
    exampleUrl,
    keep,
    before: (stop) => void closing.push(stop),
  }
}
