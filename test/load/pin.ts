import { execFile } from 'node:child_process'
import { cpus } from 'node:os'
import { promisify } from 'node:util'
import { hasBinary } from './binary.js'

const run = promisify(execFile)

/**
 * pinToOneCore has this process, and all that it starts from now on, run on the last core. Where that cannot be had, it prints so, and figures vary
 * more.
 */
export const pinToOneCore = async (print: (line: string) => void): Promise<void> => {
  const core = cpus().length - 1
  if (process.platform === 'linux' && (await hasBinary('taskset'))) {
    await run('taskset', ['-acp', String(core), String(process.pid)])
    print(`pinned to core ${core} (--free: not pinned)`)
  } else print('not pinned: taskset is missing (Linux, package util-linux)')
}
