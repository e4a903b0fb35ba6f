import { statSync } from 'node:fs'

/** FileWatch notices changes of files that may be anywhere, and need not exist yet. */
export interface FileWatch {
  /** Files that were followed and are not among these are followed no more. */
  follow(paths: readonly string[]): void
  close(): void
}

const pollMs = 1_000
/** More files than these are not followed. */
const mostFiles = 100

/**
 * watchFiles polls: a watch of the system needs a folder that exists, and does not notice that the target of a symbolic link was replaced.
 */
export const watchFiles = (onChange: () => void): FileWatch => {
  let seen = new Map<string, string>()
  let timer: NodeJS.Timeout | undefined
  const poll = (): void => {
    const changed = [...seen].filter(([path, before]) => stampOf(path) !== before)
    for (const [path] of changed) seen.set(path, stampOf(path))
    if (changed.length > 0) onChange()
  }
  const close = (): void => {
    clearInterval(timer)
    timer = undefined
  }
  return {
    follow(paths) {
      const followed = [...new Set(paths)].slice(0, mostFiles)
      seen = new Map(followed.map((path) => [path, seen.get(path) ?? stampOf(path)]))
      if (seen.size === 0) close()
      else timer ??= setInterval(poll, pollMs).unref()
    },
    close,
  }
}

const stampOf = (path: string): string => {
  try {
    const { mtimeMs, ctimeMs, size, ino } = statSync(path)
    return [mtimeMs, ctimeMs, size, ino].join(' ')
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  }
}
