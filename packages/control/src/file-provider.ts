import { watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import { readServersFile } from '@mcp-router/config'
import type { Registry } from '@mcp-router/store'

/** Provider is where Backends come from: it publishes to the Registry what it finds and whenever that changes. */
export interface Provider {
  close(): void
}

interface Options {
  readonly path: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly registry: Registry
  readonly onChange: (backends: number) => void
  /** A file that cannot be read or is wrong changes nothing: the last good table stays. */
  readonly onError: (error: Error) => void
}

/** Editors write in several steps: what follows within this time is one change, ms. */
const settleMs = 100

/** fileProvider follows `mcp-servers.yaml`. The first table was published by whoever read the configuration. */
export const fileProvider = (options: Options): Provider => {
  const { path, env, registry, onChange, onError } = options
  let timer: NodeJS.Timeout | undefined
  const reload = (): void => {
    try {
      const backends = readServersFile(path, env)
      registry.publish(backends)
      onChange(backends.length)
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)))
    }
  }
  // The folder is watched, not the file: an editor that replaces it would leave the watch on the old one.
  const watcher = watch(dirname(path), (_, name) => {
    if (name !== null && name !== basename(path)) return
    clearTimeout(timer)
    timer = setTimeout(reload, settleMs)
  })
  watcher.on('error', onError)
  watcher.unref()
  return {
    close() {
      clearTimeout(timer)
      watcher.close()
    },
  }
}
