import { watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import { readServers } from '@mcp-router/config'
import type { ServersFile } from '@mcp-router/config'
import type { Beside, Registry } from '@mcp-router/store'
import { watchFiles } from './watch-files.js'

/** Provider is where Backends come from: it publishes to the Registry what it finds and whenever that changes. */
export interface Provider {
  close(): void
}

interface Options {
  readonly path: string
  /** The env files that it names; those of a later reading take their place. */
  readonly envFiles?: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly registry: Registry
  /** One server with a problem, and the file changes nothing. */
  readonly strict?: boolean
  readonly onChange: (file: ServersFile) => void
  /** A file that cannot be read, or is wrong as a whole, changes nothing: the last good table stays. */
  readonly onError: (error: Error) => void
}

/** Editors write in several steps: what follows within this time is one change, ms. */
const settleMs = 100

/** besideOf is what a file says of the servers that it leaves out. */
export const besideOf = ({
  invalid,
  disabled,
}: Pick<ServersFile, 'invalid' | 'disabled'>): Beside => ({
  problems: new Map(invalid.map(({ name, problems }) => [name, problems])),
  disabled,
})

/** fileProvider follows `mcp-servers.yaml` and the env files that it names. The first table was published by whoever read the configuration. */
export const fileProvider = (options: Options): Provider => {
  const { path, envFiles = [], env, registry, strict = false, onChange, onError } = options
  let timer: NodeJS.Timeout | undefined
  const reload = (): void => {
    try {
      const found = readServers(path, env)
      // Also where a mistake is refused below: an env file that is created later may be its correction.
      beside.follow(found.envFiles)
      const file = strict ? readServers(path, env, { strict }) : found
      const before = registry.snapshot().backends
      // A slip while it is edited must not end the sessions of a server.
      const isOut = (name: string): boolean => file.invalid.some((each) => each.name === name)
      const isIn = (name: string): boolean => file.backends.some((each) => each.name === name)
      const kept = [...before.values()].filter(({ name }) => isOut(name) && !isIn(name))
      registry.publish([...file.backends, ...kept], besideOf(file))
      onChange(file)
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)))
    }
  }
  const settle = (): void => {
    clearTimeout(timer)
    timer = setTimeout(reload, settleMs)
  }
  const beside = watchFiles(settle)
  beside.follow(envFiles)
  // The folder is watched, not the file: an editor that replaces it would leave the watch on the old one.
  const watcher = watch(dirname(path), (_, name) => {
    if (name === null || name === basename(path)) settle()
  })
  watcher.on('error', onError)
  watcher.unref()
  return {
    close() {
      clearTimeout(timer)
      beside.close()
      watcher.close()
    },
  }
}
