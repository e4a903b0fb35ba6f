import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CpuProfile, selfTimes } from './cpu-profile.js'
import type { Driver } from './driver.js'
import type { Pace } from './measure.js'
import type { Rig } from './rig.js'
import type { CallRow } from './rows.js'

/** profileRow drives a row on an instance of its own under --cpu-prof and returns where its time went once it was warm. */
export const profileRow = async (
  rig: Rig,
  driver: Driver,
  row: CallRow,
  runDir: string,
  { seconds, warmupSeconds, connections }: Pace,
): Promise<string> => {
  const dir = join(runDir, 'profile')
  const instance = await rig.startInstance('profile', ['--cpu-prof', '--cpu-prof-dir', dir])
  const { base } = instance
  const traffic = await row.open(base)
  const { requests } = traffic
  await driver.drive({ base, requests, seconds: seconds + warmupSeconds, connections })
  await traffic.close()
  await instance.child.stop()
  const written = await readdir(dir).catch(() => [])
  const file = written.find((name) => name.endsWith('.cpuprofile'))
  if (file === undefined)
    throw new Error('no profile was written: the instance did not end by itself')
  const path = join(dir, file)
  const profile = JSON.parse(await readFile(path, 'utf8')) as CpuProfile
  const { byArea, byFunction } = selfTimes(profile, seconds)
  return [
    `profile of ${row.name}: ${path}`,
    'by package:',
    ...byArea.slice(0, 15).map(line),
    'by function:',
    ...byFunction.slice(0, 25).map(line),
  ].join('\n')
}

const line = ([name, share]: readonly [string, number]): string =>
  `${(share * 100).toFixed(1).padStart(5)} %  ${name}`
