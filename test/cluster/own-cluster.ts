import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, run as runProgram } from '@mcp-router/testkit/process'
import { cli, exampleServer } from '../harness/paths.js'

/** Ran is what a command of the command line came to. */
export interface Ran {
  readonly code: number | null
  /** Standard output and standard error, as they came. */
  readonly text: string
}

export interface StatusRow {
  readonly process: string
  readonly pid: number | null
  readonly healthy: boolean
  readonly health: string
  readonly restarts: number
  readonly lastExit: { readonly at: string; readonly how: string | null } | null
  readonly nextTryAt: string | null
}

/** OwnCluster is a cluster of a test: a run directory and ports of its own. */
export interface OwnCluster {
  readonly folder: string
  readonly runDir: string
  readonly serversFile: string
  readonly instancePorts: readonly number[]
  readonly gatewayPort: number
  readonly backendPort: number
  readonly base: string
  /** Runs `mcp-router` with the variables of this cluster. */
  run(args: readonly string[], more?: RunOptions): Promise<Ran>
  status(): Promise<readonly StatusRow[]>
  pidOf(name: string): number
  /** Stops what runs and removes the folder. */
  close(): Promise<void>
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly uid?: number
  readonly signal?: AbortSignal
}

/**
 * ownCluster makes a cluster with two Instances in front of one example server; it starts nothing.
 */
export const ownCluster = async (): Promise<OwnCluster> => {
  const folder = mkdtempSync(join(tmpdir(), 'own-cluster-'))
  const first = await freePorts(4)
  const instancePorts = [first, first + 1]
  const [gatewayPort, backendPort] = [first + 2, first + 3]
  const runDir = join(folder, 'run')
  const serversFile = join(folder, 'servers.yaml')
  writeFileSync(serversFile, serversText(backendPort))
  const variables = {
    ROUTER_INSTANCES: '2',
    ROUTER_BASE_PORT: String(first),
    GATEWAY_PORT: String(gatewayPort),
    MCP_RUN_DIR: runDir,
    MCP_SERVERS_FILE: serversFile,
    // What a test kills stays dead until the test starts it again.
    MCP_SUPERVISE: 'off',
  }

  const run = async (
    args: readonly string[],
    { env = {}, uid, signal }: RunOptions = {},
  ): Promise<Ran> => {
    const program = runProgram([cli, ...args], { ...variables, ...env }, { cwd: folder, uid })
    signal?.addEventListener('abort', () => program.kill('SIGTERM'), { once: true })
    const ended = await program.ended
    return { code: typeof ended === 'number' ? ended : null, text: program.output() }
  }

  return {
    folder,
    runDir,
    serversFile,
    instancePorts,
    gatewayPort,
    backendPort,
    base: `http://127.0.0.1:${gatewayPort}`,
    run,
    async status() {
      const { text } = await run(['cluster', 'status', '--json'])
      return JSON.parse(text) as readonly StatusRow[]
    },
    pidOf: (name) => Number(readFileSync(join(runDir, 'pids', `${name}.pid`), 'utf8')),
    async close() {
      if (hasFiles(join(runDir, 'pids')) || hasFiles(join(runDir, 'children')))
        await run(['cluster', 'stop'])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const hasFiles = (path: string): boolean => existsSync(path) && readdirSync(path).length > 0

/** serversText is a servers file with the example server at a port. */
export const serversText = (port: number): string => `servers:
  example:
    url: http://127.0.0.1:${port}/mcp
    start: ${process.execPath} ${exampleServer} --port ${port}
`
