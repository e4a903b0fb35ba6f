import { readText } from '@mcp-router/config'
import { setTimeout as wait } from 'node:timers/promises'
import { say } from '../../terminal.js'
import type { Cluster } from '../cluster.js'
import { find } from '../run/pid-file.js'
import { sizeOf } from '../status/tail.js'

/**
 * untilTrusted does `work`, which replaces an Instance, and then waits until Nginx sends requests
 * to it again: an Instance that refused a connection is passed over for some seconds, even when it
 * is back, and a rolling restart that goes on meanwhile runs out of Instances. Telling Nginx by a
 * reload instead would close connections that clients are about to use.
 */
export const untilTrusted = async (
  { files }: Cluster,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> => {
  const complaints = files.log('nginx-error')
  const before = sizeOf(complaints)
  await work()
  const isPassedOver = sizeOf(complaints) !== before && find(files, 'nginx').kind === 'running'
  if (!isPassedOver) return
  const seconds = failTimeoutS(files.siteConf)
  say(`  ${'nginx'.padEnd(14)} trusts it again in ${seconds} s`)
  await wait(seconds * 1_000, undefined, { signal })
}

// As generated. Nginx counts in whole seconds and tries again once more than the time has passed.
const failTimeoutS = (siteConf: string): number =>
  Number(/fail_timeout=(\d+)s/.exec(readText(siteConf))?.[1] ?? 0) + 1
