import type { Env } from '@mcp-router/config'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join, resolve, sep } from 'node:path'

// Where system programs are that are not on the PATH of every user: Debian keeps nginx in
// /usr/sbin.
const further = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/opt/homebrew/bin', '/usr/local/bin']

/** findBinary resolves a command to the file that runs; undefined: it is not installed. */
export const findBinary = (command: string, env: Env): string | undefined => {
  if (isAbsolute(command)) return isExecutable(command) ? command : undefined
  const folders = [...(env['PATH'] ?? '').split(delimiter).filter(Boolean), ...further]
  return folders.map((folder) => join(folder, command)).find(isExecutable)
}

/** findCommand resolves a command as starting it with this environment would, in this folder. */
export const findCommand = (command: string, env: Env, cwd = '.'): string | undefined => {
  const folders = command.includes(sep) ? [''] : (env['PATH'] ?? '').split(delimiter)
  return folders.map((folder) => resolve(cwd, folder, command)).find(isExecutable)
}

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
