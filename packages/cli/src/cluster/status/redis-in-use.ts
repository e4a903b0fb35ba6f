import { privateRedisUrl } from '../redis.js'
import type { RunFiles } from '../run/run-files.js'
import { runningInstances } from './running-instances.js'
import { changedSettings } from '../restart/settings.js'

/** isPrivateRedisInUse tells whether a running Instance has the private Redis of the run directory; of another one only a digest is recorded. */
export const isPrivateRedisInUse = (files: RunFiles): boolean => {
  const settings = { REDIS_URL: privateRedisUrl(files.runDir) }
  return runningInstances(files).some(
    ({ name }) => !changedSettings(files, name, { settings }).includes('REDIS_URL'),
  )
}
