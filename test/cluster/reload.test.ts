import { readFileSync, writeFileSync } from 'node:fs'
import { until } from '@mcp-router/testkit/wait'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openFixtureServers } from '../conformance/servers.js'
import type { FixtureServers } from '../conformance/servers.js'
import { useCluster } from '../harness/use-cluster.js'
import { startLoad } from './steady-load.js'

let servers: FixtureServers | undefined
beforeAll(async () => {
  servers = await openFixtureServers()
})
afterAll(() => servers?.close())

const cluster = useCluster(() => ({ servers: servers!.entries }))

/**
 * Nginx before 1.27.4 closes kept connections at a reload, whether or not a client is about to write on one: such a request never began, and only
 * its sender can know that. (Later ones have keepalive_min_timeout.)
 */
const closedBefore = /fetch failed .*(other side closed|ECONNRESET|EPIPE)/

it('reloads of Nginx under load cost no session, and no call but on connections that it closed', async () => {
  const load = await startLoad(cluster().gateway)
  await load.goOn(5)
  for (let time = 0; time < 3; time++) {
    process.kill(cluster().pids().get('nginx') ?? 0, 'SIGHUP')
    await load.goOn(8)
  }
  expect(load.failures().filter((failure) => !closedBefore.test(failure))).toEqual([])
  await load.stop()
})

it('changes of the servers file under load cost no call and no session', async () => {
  const { serversFile, instances, gateway } = cluster()
  const load = await startLoad(gateway)
  await load.goOn(5)
  const text = readFileSync(serversFile, 'utf8')
  const backendsOf = async (instance: string): Promise<readonly string[]> => {
    const status = (await (await fetch(`${instance}/api/status`)).json()) as Status
    return status.backends.map(({ name }) => name)
  }
  for (const [changed, isThere] of [
    [text.replace('servers:', 'servers:\n  another:\n    command: node'), true],
    [text, false],
  ] as const) {
    writeFileSync(serversFile, changed)
    for (const instance of instances)
      await until('the change to be read', async () => {
        return (await backendsOf(instance)).includes('another') === isThere
      })
    await load.goOn(8)
  }
  // A mistake is refused, and the last good one stays.
  writeFileSync(serversFile, 'servers: [')
  await load.goOn(8)
  writeFileSync(serversFile, text)
  expect(load.failures()).toEqual([])
  await load.stop()
})

interface Status {
  readonly backends: readonly { readonly name: string }[]
}
