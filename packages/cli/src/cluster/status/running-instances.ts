import { authority } from '../../http.js'
import { find, recorded } from '../run/pid-file.js'
import { stageOf } from '../run/process.js'
import type { RunFiles } from '../run/run-files.js'
import { recordedValues } from '../restart/settings.js'

/** RunningInstance is one that a pid file of the run directory leads to. */
export interface RunningInstance {
  readonly name: string
  /** `http://host:port`, as it was started, whatever this shell says. */
  readonly address: string
}

/** runningInstances are also those that are no longer in the configuration. */
export const runningInstances = (files: RunFiles): readonly RunningInstance[] =>
  recorded(files)
    .filter((name) => stageOf(name) === 'instance' && find(files, name).kind === 'running')
    .map((name) => {
      const host = recordedValues(files, name)['HOST'] ?? '127.0.0.1'
      return { name, address: `http://${authority(host, Number(name.replace(/^\D+/, '')))}` }
    })
