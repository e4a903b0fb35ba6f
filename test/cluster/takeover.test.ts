import { isAlive } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { openFixtureServers } from '../conformance/servers.js'
import type { FixtureServers } from '../conformance/servers.js'
import { epochOf, killMember, membersAreBack, ownerOf } from '../harness/owner.js'
import type { Member } from '../harness/owner.js'
import type { SdkClient } from '../harness/sdk/client.js'
import { connectThrough } from '../harness/sdk/connect.js'
import { useCluster } from '../harness/use-cluster.js'

let servers: FixtureServers | undefined
beforeAll(async () => {
  servers = await openFixtureServers()
})
afterAll(() => servers?.close())

// Round robin: most messages land on an instance that is not the owner.
const cluster = useCluster(() => ({ servers: servers!.entries }))

afterEach(async () => {
  await cluster().restart()
  await membersAreBack(cluster())
})

const backends = ['stdio-legacy', 'sse', 'http-modern'] as const
const ways = ['v1 http', 'v2 http'] as const
const cells = backends.flatMap((backend) => ways.map((way) => [way, backend] as const))

const watched = 'test://watched-resource'
const call = (client: SdkClient, name: string): Promise<unknown> =>
  client.callTool({ name, arguments: {} })
const toldOf = (client: SdkClient, method: string): number =>
  client.heard.notifications.filter((told) => (told as { method: string }).method === method).length

/** From the death of the owner to the answer of the next call, which waits for a new child to start. */
const soonMs = 1_000

/** expectSurvival kills the owner of the client's session, and has it go on. */
const expectSurvival = async (client: SdkClient): Promise<Member> => {
  const session = client.session()
  const owner = await ownerOf(cluster(), session)
  const epoch = (await epochOf(cluster(), session)) ?? 0
  const children = await killMember(owner)
  const killed = performance.now()
  await call(client, 'test_simple_text')
  const took = performance.now() - killed
  expect(took).toBeLessThan(soonMs)
  expect((await ownerOf(cluster(), session)).id).not.toBe(owner.id)
  expect(await epochOf(cluster(), session)).toBe(epoch + 1)
  await until('the end of what the old owner ran', () => !children.some(isAlive))
  return owner
}

/** expectUpdate changes the watched resource and hears of it. */
const expectUpdate = async (client: SdkClient): Promise<void> => {
  const before = toldOf(client, 'notifications/resources/updated')
  await call(client, 'test_trigger_resource_change')
  await until('the update', () => toldOf(client, 'notifications/resources/updated') > before)
}

const logged = async (client: SdkClient): Promise<number> => {
  const before = toldOf(client, 'notifications/message')
  await call(client, 'test_logging_tool')
  return toldOf(client, 'notifications/message') - before
}

it.each(cells)(
  'a session of %s with %s survives its owner and the next one, with all its state',
  async (way, backend) => {
    const client = await connectThrough(way, cluster().gateway, backend)
    const { tools } = await client.listTools()
    await client.setLevel('error')
    await client.subscribe(watched)
    await expectUpdate(client)

    await expectSurvival(client)
    expect(await logged(client)).toBe(0)
    await expectUpdate(client)
    await client.setLevel('debug')
    expect(await logged(client)).toBe(1)

    await cluster().restart()
    await membersAreBack(cluster())
    for (let n = 0; n < 6; n++) await call(client, 'test_simple_text')
    await expectSurvival(client)
    expect(await logged(client)).toBe(1)
    await expectUpdate(client)
    expect((await client.listTools()).tools).toEqual(tools)
    await client.close()
  },
)

it('goes on at the same instance once that is back, though nobody asked meanwhile', async () => {
  const client = await connectThrough('v2 http', cluster().gateway, 'stdio-legacy')
  const owner = await ownerOf(cluster(), client.session())
  await killMember(owner)
  await cluster().restart()
  await membersAreBack(cluster())
  for (let n = 0; n < 6; n++) await call(client, 'test_simple_text')
  expect(await epochOf(cluster(), client.session())).toBe(2)
  await client.close()
})
