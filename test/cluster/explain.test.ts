import { run } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { oddStdioEntry } from '../harness/backends.js'
import { converse } from '../harness/conversation.js'
import type { Conversation } from '../harness/conversation.js'
import { openMortalEndpoint } from '../harness/endpoint.js'
import type { MortalEndpoint } from '../harness/endpoint.js'
import { ask, post } from '../harness/http.js'
import { killMember, memberAt, membersAreBack } from '../harness/owner.js'
import { cli } from '../harness/paths.js'
import { textOf, toolCall } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'

let endpoint: MortalEndpoint | undefined
beforeAll(async () => {
  endpoint = await openMortalEndpoint('http-stateful')
})
afterAll(() => endpoint?.close())

const cluster = useCluster(() => ({
  servers: { odd: oddStdioEntry, mortal: { url: endpoint!.url } },
  env: { MCP_LEASE_MS: '3000' },
}))

interface Explained {
  readonly session: { readonly owner: string | null } | null
  readonly life: readonly { kind: string; instance: string; cause: string }[]
  readonly summary: string
}

/** explain types `mcp-router sessions explain`, as somebody would who has nothing but the address of Nginx. */
const explain = async (session: string): Promise<{ code: unknown; text: string }> => {
  const { gateway } = cluster()
  const command = run([cli, 'sessions', 'explain', session, '--url', gateway])
  return { code: await command.ended, text: command.output() }
}

/** lifeOf is the life once its last turn is of this kind: the client has its answer before that is noted. */
const lifeOf = (session: string, last: string): Promise<Explained> =>
  until(`the last turn of ${session} to be ${last}`, async () => {
    const answer = await ask(`${cluster().gateway}/api/sessions/${session}/explain`)
    const explained = answer.json() as Explained
    return explained.life.at(-1)?.kind === last && explained
  })

const turnsOf = ({ life }: Explained): readonly (readonly string[])[] =>
  life.map(({ kind, instance, cause }) => [kind, instance, cause])

/** callElsewhere calls a tool of the session through the second Instance. */
const callElsewhere = async (
  { headers }: Conversation,
  backend: string,
  call: string,
): Promise<string> => {
  const [, second] = cluster().instances
  const answer = await post(`${second}/mcp/${backend}`, call, headers)
  return textOf(answer.messages().at(-1) ?? '')
}

describe('the life of a session whose owner is killed', () => {
  afterEach(async () => {
    await cluster().restart()
    await membersAreBack(cluster())
  })

  it('tells who took it over, and why', async () => {
    const client = await converse('http', { base: cluster().instances[0], backend: 'odd' })
    await killMember(memberAt(cluster(), 0))
    const echo = toolCall(1, 'echo', { text: 'still here' })
    expect(await callElsewhere(client, 'odd', echo)).toBe('still here')

    const explained = await lifeOf(client.session, 'replayed')
    const cause = expect.stringMatching(
      /^router-instance-1 did not answer$|^the lease of router-instance-1 had ended$/,
    ) as unknown
    expect(turnsOf(explained)).toEqual([
      ['opened', 'router-instance-1', ''],
      ['taken over', 'router-instance-2', cause],
      ['replayed', 'router-instance-2', 'it was taken over'],
    ])
    expect(explained.session).toMatchObject({ owner: 'router-instance-2', epoch: 2 })
    const { code, text } = await explain(client.session)
    expect(code, text).toBe(0)
    expect(text).toMatch(/^owner {6}router-instance-2, epoch 2$/m)
    expect(text).toMatch(/^\S+ \S+ {2}opened {6}router-instance-1$/m)
    expect(text).toMatch(/^\S+ \S+ {2}taken over {2}router-instance-2 {2}.*router-instance-1/m)
    expect(text).toMatch(
      /^opened [\d:]+ at router-instance-1, taken over by router-instance-2 at [\d:]+ because .*router-instance-1.*; still open; last used \d+ s ago/m,
    )
  })

  it('tells that a lease had ended where that is why', async () => {
    const client = await converse('http', { base: cluster().instances[0], backend: 'odd' })
    await killMember(memberAt(cluster(), 0))
    await until('its lease to lapse', async () => {
      const status = (await ask(`${cluster().instances[1]}/api/status`)).json()
      return status.instances.length === 2
    })
    await callElsewhere(client, 'odd', toolCall(1, 'echo', { text: 'x' }))
    const [, taken] = turnsOf(await lifeOf(client.session, 'replayed'))
    const cause = 'the lease of router-instance-1 had ended'
    expect(taken).toEqual(['taken over', 'router-instance-2', cause])
  })
})

describe('the life of a portable session', () => {
  it('tells that its endpoint had forgotten it, and at last how it ended', async () => {
    const client = await converse('http', { base: cluster().instances[0], backend: 'mortal' })
    await endpoint!.kill()
    await endpoint!.start()
    await callElsewhere(client, 'mortal', toolCall(1, 'test_simple_text'))

    const explained = await lifeOf(client.session, 're-initialized')
    expect(turnsOf(explained)).toEqual([
      ['opened', 'router-instance-1', ''],
      ['re-initialized', 'router-instance-2', 'mortal#1 had forgotten it'],
    ])
    expect(explained.session?.owner).toBeNull()
    expect((await explain(client.session)).text).toMatch(
      /^\S+ \S+ {2}re-initialized {2}router-instance-2 {2}mortal#1 had forgotten it$/m,
    )

    await client.close()
    const ended = await lifeOf(client.session, 'ended')
    expect(ended.session).toBeNull()
    const { code, text } = await explain(client.session)
    expect([code, text]).toEqual([0, expect.stringMatching(/^state {6}ended$/m)])
    expect(text).toMatch(/^opened .*, re-initialized .*, ended [\d:]+ at router-instance-1/m)
  })
})

describe('the life of an owned session', () => {
  it('tells that its client ended it, wherever it said so', async () => {
    const client = await converse('http', { base: cluster().instances[0], backend: 'odd' })
    const [, second] = cluster().instances
    await ask(`${second}/mcp/odd`, { method: 'DELETE', headers: client.headers })
    expect(turnsOf(await lifeOf(client.session, 'ended'))).toEqual([
      ['opened', 'router-instance-1', ''],
      ['ended', 'router-instance-2', 'DELETE by the client'],
    ])
  })
})

it('of what never was, sessions explain says so and what to do', async () => {
  const { code, text } = await explain('never')
  expect(code).toBe(1)
  expect(text).toContain('No session of yours by this id')
  expect(text).toContain('30 minutes')
  // Where it was asked need not be where this machine has its Redis.
  expect(text).not.toContain('sessions list')
})

it('the life of a session is kept apart from its record, and no longer than that could be', async () => {
  const { redis, instances } = cluster()
  const client = await converse('http', { base: instances[0], backend: 'odd' })
  await lifeOf(client.session, 'opened')
  const [record, life] = [`mcp:sessions:${client.session}`, `{mcp:sessions:${client.session}}:life`]
  const [ttlOfRecord, ttlOfLife] = [await redis.pttl(record), await redis.pttl(life)]
  expect(ttlOfLife).toBeGreaterThanOrEqual(ttlOfRecord)
  expect(ttlOfLife).toBeLessThanOrEqual(1_800_000 + 60_000)
  await client.close()
})
