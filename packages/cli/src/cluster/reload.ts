import { say } from '../terminal.js'
import { find } from './pid-file.js'
import type { RunFiles } from './run-files.js'

/** reloadNginx makes a running Nginx read its configuration again; its connections go on. */
export const reloadNginx = (files: RunFiles): void => {
  const nginx = find(files, 'nginx')
  if (nginx.kind !== 'running') return
  process.kill(nginx.pid, 'SIGHUP')
  say(`  ${'nginx'.padEnd(14)} read its configuration again (pid ${nginx.pid})`)
}
