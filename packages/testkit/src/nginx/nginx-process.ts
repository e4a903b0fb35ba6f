import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'

/** Where distributions put it; the PATH of a plain user may lack the folder. */
const nginx = spawnSync('nginx', ['-v']).error ? '/usr/sbin/nginx' : 'nginx'

/** build is what `nginx -V` prints. */
export const build = spawnSync(nginx, ['-V'], { encoding: 'utf8' }).stderr

/** complaints is what `nginx -t` has to say against a configuration, empty where it is content. */
export const complaints = (runDir: string, mainFile: string): string => {
  const errorLog = join(runDir, 'logs', 'nginx-error.log')
  const { status, stderr } = spawnSync(nginx, ['-t', '-c', mainFile, '-e', errorLog], {
    encoding: 'utf8',
  })
  const warned = /\[(warn|error|crit|alert|emerg)\]/.test(stderr)
  return status === 0 && !warned ? '' : stderr
}

export interface NginxProcess {
  close(): Promise<void>
}

/** openNginx runs Nginx until `close`. It resolves once Nginx listens, undefined if it cannot. */
export const openNginx = async (
  runDir: string,
  mainFile: string,
): Promise<NginxProcess | undefined> => {
  const errorLog = join(runDir, 'logs', 'nginx-error.log')
  const child = spawn(nginx, ['-c', mainFile, '-e', errorLog, '-g', 'daemon off;'], {
    stdio: 'ignore',
  })
  const ended = once(child, 'exit')
  // Nginx writes its pid once it has bound its ports, so what answers there is this Nginx.
  while (child.exitCode === null) {
    const pid = await readFile(join(runDir, 'pids', 'nginx.pid'), 'utf8').catch(() => '')
    if (pid.trim() === String(child.pid)) {
      return {
        close: async () => {
          child.kill('SIGTERM')
          await ended
        },
      }
    }
    await later(5)
  }
  return undefined
}
