import type { Driver } from './driver.js'
import type { Options } from './options.js'
import { emptyLogs, logBytesOf, type Proxy, usageByGroup } from './proxy.js'
import type { Rig } from './rig.js'
import type { Traffic } from './traffic.js'
import { type Usage, usageOf } from './usage.js'
import { complaintsAbout } from './verify.js'

/** Round is what one run of a row showed. CPU and memory are by group of processes. */
export interface Round {
  readonly calls: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** µs of CPU per call. */
  readonly cpuUs: Readonly<Record<string, number>>
  /** What of it the kernel used, of all groups. */
  readonly systemUs: number
  readonly rssBytes: Readonly<Record<string, number>>
  /** The stub's share of one core: near 1, calls/s says more about the stub than about the proxy. */
  readonly stubBusy: number
  readonly failures: Readonly<Record<string, number>>
  readonly complaints: readonly string[]
}

export type Pace = Pick<Options, 'seconds' | 'warmupSeconds' | 'connections'>

/** measure warms a row up, checks its answers, drives it between two readings of the proxy's CPU, and checks again. */
export const measure = async (
  rig: Rig,
  driver: Driver,
  proxy: Proxy,
  traffic: Traffic,
  { seconds, warmupSeconds, connections }: Pace,
): Promise<Round> => {
  const { base } = proxy
  const { requests } = traffic
  const complaints: string[] = []
  if (warmupSeconds > 0) {
    const warmup = warmupSeconds * proxy.shares
    const warm = await driver.drive({ base, requests, seconds: warmup, connections })
    const failed = Object.entries(warm.failures).map(([kind, count]) => `${count} ${kind}`)
    if (failed.length > 0) complaints.push(`errors while warming up: ${failed.join(', ')}`)
  }
  complaints.push(...(await complaintsAbout(base, traffic)))
  const before = await read(rig, proxy)
  const load = await driver.drive({ base, requests, seconds, connections })
  const after = await read(rig, proxy)
  complaints.push(...(await complaintsAbout(base, traffic)))
  complaints.push(...miscounted(load.calls, after.calls - before.calls, connections))
  if (proxy.logs.length > 0 && before.logBytes === after.logBytes) {
    complaints.push('nothing was logged: these are not the costs of production')
  }
  for (const child of proxy.children) await child.assertRunning()
  await emptyLogs(proxy)
  return {
    calls: load.calls,
    perSecond: load.calls / load.seconds,
    p50Ms: load.p50Ms,
    p99Ms: load.p99Ms,
    cpuUs: perGroup(
      proxy,
      (n) => (cpuBetween(before.groups[n], after.groups[n]) * 1e3) / load.calls,
    ),
    systemUs: (systemOf(after.groups) - systemOf(before.groups)) * (1e3 / load.calls),
    rssBytes: perGroup(proxy, (n) => after.groups[n]?.rssBytes ?? 0),
    stubBusy: cpuBetween(before.stub, after.stub) / (load.seconds * 1e3),
    failures: load.failures,
    complaints,
  }
}

const read = async (rig: Rig, proxy: Proxy) => ({
  calls: await rig.stub.calls(),
  logBytes: await logBytesOf(proxy),
  stub: await usageOf([rig.stub.pid]),
  groups: await usageByGroup(proxy),
})

const perGroup = (proxy: Proxy, figure: (n: number) => number): Record<string, number> =>
  Object.fromEntries(proxy.groups.map((group, n) => [group.name, figure(n)]))

const cpuBetween = (before: Usage | undefined, after: Usage | undefined): number =>
  (after?.cpuMs ?? 0) - (before?.cpuMs ?? 0)

const systemOf = (groups: readonly Usage[]): number =>
  groups.reduce((sum, { systemMs }) => sum + systemMs, 0)

/** An answer that never came from the stub, or a call sent to it twice, shows as a difference beyond what was in flight. */
const miscounted = (driven: number, answered: number, connections: number): string[] =>
  Math.abs(driven - answered) <= 2 * connections
    ? []
    : [`the driver counted ${driven} calls, the stub answered ${answered}`]
