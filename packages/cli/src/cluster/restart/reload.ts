import { say } from '../../terminal.js'
import type { Cluster } from '../cluster.js'
import { find } from '../run/pid-file.js'
import { recordSettings } from './settings.js'

/** reloadNginx makes a running Nginx read its configuration again; its connections go on. */
export const reloadNginx = ({ files, processes }: Cluster): void => {
  const nginx = find(files, 'nginx')
  if (nginx.kind !== 'running') return
  process.kill(nginx.pid, 'SIGHUP')
  const planned = processes.find(({ stage }) => stage === 'nginx')
  if (planned !== undefined) recordSettings(files, 'nginx', planned)
  say(`  ${'nginx'.padEnd(14)} read its configuration again (pid ${nginx.pid})`)
}
