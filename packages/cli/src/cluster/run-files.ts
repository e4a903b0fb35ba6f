import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

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
  log(name: string): string
  readonly nginxDir: string
  readonly nginxConf: string
  readonly siteConf: string
  readonly redisDir: string
}

export const runFiles = (runDir: string): RunFiles => ({
  runDir,
  pids: join(runDir, 'pids'),
  lock: join(runDir, 'lock'),
  pid: (name) => join(runDir, 'pids', `${name}.pid`),
  birth: (name) => join(runDir, 'pids', `${name}.start`),
  log: (name) => join(runDir, 'logs', `${name}.log`),
  nginxDir: join(runDir, 'nginx'),
  nginxConf: join(runDir, 'nginx', 'nginx.conf'),
  siteConf: join(runDir, 'nginx', 'site.conf'),
  redisDir: join(runDir, 'redis'),
})

/** makeRunDir makes the folders. What is in them (logs, Redis data) is for the owner alone. */
export const makeRunDir = (files: RunFiles): void => {
  for (const folder of ['pids', 'logs', 'nginx', 'redis'])
    mkdirSync(join(files.runDir, folder), { recursive: true, mode: 0o700 })
}
