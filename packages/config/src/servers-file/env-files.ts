import { dirname, resolve } from 'node:path'
import { isRecord } from './record.js'

/** envFilePath is where an `envFile` is: a relative path starts at the servers file. */
export const envFilePath = (file: string, envFile: string): string =>
  resolve(dirname(file), envFile)

/** envFilesIn are the paths of the env files that an entry of the servers file names, whether they exist or not. */
export const envFilesIn = (file: string, entry: unknown): readonly string[] => {
  if (!isRecord(entry)) return []
  const { endpoints } = entry
  const endpointsOf: readonly unknown[] = Array.isArray(endpoints) ? endpoints : []
  return [entry, ...endpointsOf].flatMap((each) => {
    const envFile = isRecord(each) ? each['envFile'] : undefined
    return typeof envFile === 'string' && envFile !== '' ? [envFilePath(file, envFile)] : []
  })
}
