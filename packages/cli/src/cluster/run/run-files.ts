import { loadRunDir, makeProxySecret, type Env } from '@mcp-router/config'
import { mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Failure, isSystemError } from '../../failure.js'

/**
 * RunFiles says where everything is in a run directory; see the table in packages/cli/README.md.
 */
export interface RunFiles {
  readonly runDir: string
  readonly pids: string
  readonly lock: string
  pid(name: string): string
  /**
   * When the process of the pid file began, by which a pid that was used again is told from ours.
   */
  birth(name: string): string
  /** The settings that the process was started with; see recordSettings. */
  settings(name: string): string
  log(name: string): string
  readonly nginxDir: string
  readonly nginxConf: string
  readonly siteConf: string
  readonly redisDir: string
  /** The children of the Instances, by process group. */
  readonly children: string
  /** What the supervisor knows: restarts, exits, next attempts. */
  readonly supervisorState: string
}

export const runFiles = (runDir: string): RunFiles => ({
  runDir,
  pids: join(runDir, 'pids'),
  lock: join(runDir, 'lock'),
  pid: (name) => join(runDir, 'pids', `${name}.pid`),
  birth: (name) => join(runDir, 'pids', `${name}.start`),
  settings: (name) => join(runDir, 'pids', `${name}.settings`),
  log: (name) => join(runDir, 'logs', `${name}.log`),
  nginxDir: join(runDir, 'nginx'),
  nginxConf: join(runDir, 'nginx', 'nginx.conf'),
  siteConf: join(runDir, 'nginx', 'site.conf'),
  redisDir: join(runDir, 'redis'),
  children: join(runDir, 'children'),
  supervisorState: join(runDir, 'supervisor.json'),
})

/**
 * makeRunDir makes the folders, and the secret by which Instances know their Nginx. What is in them (logs, Redis data) is for the owner
 * alone.
 */
export const makeRunDir = (files: RunFiles): void => {
  const { runDir } = files
  try {
    for (const folder of ['pids', 'logs', 'nginx', 'redis']) makeFolder(join(runDir, folder))
    makeProxySecret(runDir)
  } catch (error) {
    if (!isSystemError(error)) throw error
    const isFile = error.code === 'EEXIST' || error.code === 'ENOTDIR'
    throw unusable(`cannot make the run directory ${runDir}`, isFile ? fileInPlace : error.code)
  }
}

/** hasRunDir tells whether anything was ever started there. */
export const hasRunDir = ({ runDir }: RunFiles): boolean => {
  const found = statSync(runDir, { throwIfNoEntry: false })
  if (found?.isDirectory() === false)
    throw unusable(`cannot use the run directory ${runDir}`, fileInPlace)
  return found !== undefined
}

/** requireFolder throws where the run directory of an environment is something else. */
export const requireFolder = (env: Env): void => void hasRunDir(runFiles(loadRunDir(env).runDir))

const fileInPlace = 'there is a file in its place'

const unusable = (what: string, reason: string): Failure =>
  new Failure(`${what}: ${reason}; set MCP_RUN_DIR to a folder of your own`)

/** Not by `recursive` of node, which tries for ever below /proc. */
const makeFolder = (path: string): void => {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isDirectory()) return
  if (path !== dirname(path)) makeFolder(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Another command may have made it meanwhile.
    const isThere = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
    if (!isThere) throw error
  }
}
