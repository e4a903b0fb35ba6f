import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Driver } from './driver.js'
import type { Pace } from './measure.js'
import type { Rig } from './rig.js'
import type { CallRow } from './rows.js'

/** CpuProfile is as much of V8's format as is read here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: {
      readonly functionName: string
      readonly url: string
      readonly lineNumber: number
    }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** profileRow drives a row on an instance of its own under --cpu-prof and returns where its time went. */
export const profileRow = async (
  rig: Rig,
  driver: Driver,
  row: CallRow,
  runDir: string,
  { seconds, warmupSeconds, connections }: Pace,
): Promise<string> => {
  const dir = join(runDir, 'profile')
  const instance = await rig.startInstance('profile', ['--cpu-prof', '--cpu-prof-dir', dir])
  const traffic = await row.open(instance.base)
  await driver.drive({
    base: instance.base,
    requests: traffic.requests,
    seconds: seconds + warmupSeconds,
    connections,
  })
  await traffic.close()
  await instance.child.stop()
  const written = await readdir(dir).catch(() => [])
  const file = written.find((name) => name.endsWith('.cpuprofile'))
  if (file === undefined)
    throw new Error('no profile was written: the instance did not exit by itself')
  const path = join(dir, file)
  const profile = JSON.parse(await readFile(path, 'utf8')) as CpuProfile
  return [`profile of ${row.name}: ${path}`, ...topOf(profile, 25)].join('\n')
}

/** topOf lists the functions with the most self time, as a share of the time not idle. */
export const topOf = (profile: CpuProfile, count: number): readonly string[] => {
  const nameOf = new Map(profile.nodes.map(({ id, callFrame }) => [id, frameName(callFrame)]))
  const selfUs = new Map<string, number>()
  profile.samples.forEach((id, n) => {
    const name = nameOf.get(id) ?? ''
    if (name === '(idle)') return
    selfUs.set(name, (selfUs.get(name) ?? 0) + (profile.timeDeltas[n] ?? 0))
  })
  const busyUs = [...selfUs.values()].reduce((sum, us) => sum + us, 0)
  return [...selfUs]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, us]) => `${((us / busyUs) * 100).toFixed(1).padStart(5)} %  ${name}`)
}

const frameName = ({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']) => {
  const name = functionName || '(anonymous)'
  if (url === '') return name
  const path = url.startsWith('file:') ? fileURLToPath(url) : url
  return `${name}  ${path.split('/').slice(-3).join('/')}:${lineNumber + 1}`
}
