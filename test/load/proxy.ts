import { stat, truncate } from 'node:fs/promises'
import type { Child } from './children.js'
import { type Usage, usageOf } from './usage.js'

/** Proxy is something to drive: where it listens, its processes and its logs. */
export interface Proxy {
  readonly base: string
  /** Whose CPU and memory count, and how they are told apart in the report. */
  readonly groups: readonly ProcessGroup[]
  readonly children: readonly Child[]
  /** Among how many processes the calls are shared out, each of which must get warm. */
  readonly shares: number
  readonly logs: readonly string[]
}

export interface ProcessGroup {
  readonly name: string
  /** Asked at every reading: Nginx has its workers only some time after it listens. */
  readonly pids: () => Promise<readonly number[]>
}

/** usageByGroup reads the groups of a proxy, in their order. */
export const usageByGroup = (proxy: Proxy): Promise<readonly Usage[]> =>
  Promise.all(proxy.groups.map(async (group) => usageOf(await group.pids())))

/** logBytesOf is how much a proxy has logged. */
export const logBytesOf = async (proxy: Proxy): Promise<number> => {
  const sizes = proxy.logs.map((file) =>
    stat(file).then(
      (found) => found.size,
      () => 0,
    ),
  )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

/** emptyLogs keeps a run of millions of calls, each of them logged, from filling the disk. */
export const emptyLogs = async (proxy: Proxy): Promise<void> => {
  await Promise.all(proxy.logs.map((file) => truncate(file).catch(() => undefined)))
}
