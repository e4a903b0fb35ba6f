import { treeOf } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { converse } from '../harness/conversation.js'
import type { Conversation } from '../harness/conversation.js'
import { post } from '../harness/http.js'
import type { Answer } from '../harness/http.js'
import { killMember, memberAt, membersAreBack, ownerOf } from '../harness/owner.js'
import type { Member } from '../harness/owner.js'
import { expectRefusal } from '../harness/refusal.js'
import { request, textOf, toolCall } from '../harness/rpc.js'
import { connectThrough } from '../harness/sdk/connect.js'
import { useCluster } from '../harness/use-cluster.js'
import { openLedger } from './ledger-server.js'
import { openResumeProxy } from './resume-proxy.js'

const ledger = openLedger()
afterAll(() => ledger.close())
const cluster = useCluster({ servers: { ledger: ledger.entry } })

afterEach(async () => {
  for (const name of ['read', 'put', 'append', 'tools-list']) ledger.release(name)
  await cluster().restart()
  await membersAreBack(cluster())
})

/** The owner of such a session is the first instance. */
const open = (): Promise<Conversation> =>
  converse('http', { base: cluster().instances[0], backend: 'ledger' })

const from = (at: 0 | 1 | 2, client: Conversation, body: string): Promise<Answer> =>
  post(`${cluster().instances[at]}/mcp/ledger`, body, client.headers)

/** underWay resolves once one more request of this name runs, and is held. */
const underWay = async <T>(
  name: string,
  begin: () => Promise<T>,
): Promise<{ answer: Promise<T> }> => {
  const before = ledger.runs(name).length
  ledger.hold(name)
  const answer = begin()
  // Who waits for it looks at it later; until then a rejection is nobody's fault.
  answer.catch(() => undefined)
  await until(`${name} to run`, () => ledger.runs(name).length > before)
  return { answer }
}

describe('a request under way at another instance when that is killed', () => {
  it.each([
    ['read', toolCall(1, 'read')],
    ['put', toolCall(1, 'put')],
    ['tools-list', request(1, 'tools/list')],
  ])('is repeated and answered where it may be (%s)', async (name, body) => {
    const client = await open()
    const before = ledger.runs(name).length
    const { answer } = await underWay(name, () => from(1, client, body))
    await killMember(memberAt(cluster(), 0))
    ledger.release(name)
    const { status, text } = await answer
    expect({ status, text }).toMatchObject({ status: 200, text: expect.stringContaining('result') })
    const [lost, again] = ledger.runs(name).slice(before)
    expect(again?.pid).toBeDefined()
    expect(again?.pid).not.toBe(lost?.pid)
    expect((await ownerOf(cluster(), client.session)).at).toBe(1)
    await from(1, client, toolCall(2, 'read'))
  })

  it('is told as lost where it may not be repeated, and ran once', async () => {
    const client = await open()
    const before = ledger.runs('append').length
    const { answer } = await underWay('append', () => from(2, client, toolCall(1, 'append')))
    await killMember(memberAt(cluster(), 0))
    expectRefusal(await answer, {
      status: 200,
      code: -31001,
      says: /"append" was sent, and the instance stopped before responding; it was not retried/,
      id: 1,
    })
    ledger.release('append')
    expect(ledger.runs('append')).toHaveLength(before + 1)
    const next = await from(2, client, toolCall(2, 'append'))
    expect(next.status).toBe(200)
    expect(ledger.runs('append')).toHaveLength(before + 2)
  })

  // Round robin: with each ping before it, the call comes to another instance, one of them the owner.
  it.each([0, 1, 2])(
    'is told as lost to a client that already had the beginning of its answer (%i)',
    async (pings) => {
      const proxy = await openResumeProxy(cluster().gateway)
      const client = await connectThrough('v2 http', proxy.url, 'ledger')
      const before = ledger.runs('append').length
      for (let n = 0; n < pings; n++) await client.listTools()
      const call = { name: 'append', arguments: {} }
      const { answer } = await underWay('append', () => client.callTool(call))
      await until('the stream to begin', () => /\bid: 1\b/.test(proxy.told()))
      const killed = performance.now()
      await killMember(await ownerOf(cluster(), client.session()))
      await expect(answer).rejects.toThrow(/the instance stopped before responding/)
      expect(performance.now() - killed).toBeLessThan(5_000)
      ledger.release('append')
      await client.callTool(call)
      expect(ledger.runs('append')).toHaveLength(before + 2)
      await client.close()
    },
  )
})

describe('a call of a client of 2026-07-28 at a stdio server that another instance runs', () => {
  /** Where such calls run: the same instance for all of one principal. */
  const homeOf = async (): Promise<Member> => {
    const client = await connectThrough('v2 modern', cluster().gateway, 'ledger')
    await client.callTool({ name: 'read', arguments: {} }, { onProgress: () => undefined })
    await client.close()
    const child = ledger.runs('read').at(-1)?.pid
    const members = [0, 1, 2].map((at) => memberAt(cluster(), at))
    const home = members.find(({ pid }) => treeOf([pid]).some((each) => each.pid === child))
    if (!home) throw new Error(`no instance runs ${child}`)
    return home
  }

  it('is repeated on the stream that had begun, where it may be', async () => {
    const home = await homeOf()
    const [other = ''] = cluster().instances.filter((url) => url !== home.url)
    const client = await connectThrough('v2 modern', other, 'ledger')
    let reports = 0
    const onProgress = (): void => {
      reports++
    }
    const call = { name: 'read', arguments: {} }
    const { answer } = await underWay('read', () => client.callTool(call, { onProgress }))
    await until('its stream to begin', () => reports > 0)
    const lost = ledger.runs('read').at(-1)
    await killMember(home)
    ledger.release('read')
    await answer
    const again = ledger.runs('read').at(-1)
    expect(again?.pid).not.toBe(lost?.pid)
    expect(await answer).toMatchObject({ content: [{ text: String(again?.pid) }] })
    await client.close()
  })
})

describe('a request of a client that is connected to the instance which is killed', () => {
  it('breaks off, and the client goes on at another one', async () => {
    const client = await open()
    const { answer } = await underWay('append', () => client.send(toolCall(1, 'append')))
    await killMember(memberAt(cluster(), 0))
    await expect(answer).rejects.toThrow(/socket hang up|ECONNRESET/)
    ledger.release('append')
    const [last] = ledger.runs('append').slice(-1)
    const next = await from(1, client, toolCall(2, 'append'))
    const text = textOf(next.messages()[0] ?? '')
    expect(Number(text)).not.toBe(last?.pid)
    expect(ledger.runs('append').at(-1)?.pid).toBe(Number(text))
  })
})
