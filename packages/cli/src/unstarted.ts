import type { ManagedBackend } from '@mcp-router/config'
import type { Backend } from '@mcp-router/core'
import { answers } from './http.js'

/** unstartedOf resolves with those servers with a `start` line that nobody has started. */
export const unstartedOf = async (
  managed: readonly ManagedBackend[],
): Promise<readonly ManagedBackend[]> => {
  const found = await Promise.all(managed.map(({ url }) => answers(url)))
  return managed.filter((_, index) => found[index] === false)
}

/** usableBackend is the first Backend with an Endpoint that is not among the unstarted. */
export const usableBackend = (
  backends: readonly Backend[],
  unstarted: readonly ManagedBackend[],
): Backend | undefined => {
  const urls = unstarted.map(({ url }) => url)
  return backends.find(({ endpoints }) =>
    endpoints.some((each) => each.transport === 'stdio' || !urls.includes(each.url)),
  )
}

/** unstartedLines say, for each server, how it is started. */
export const unstartedLines = (unstarted: readonly ManagedBackend[]): readonly string[] =>
  unstarted.map(
    ({ backend, url, command, args }) =>
      `mcp-router: server "${backend}" does not run at ${url}, and serve starts none; start it: ${[command, ...args].join(' ')}`,
  )
