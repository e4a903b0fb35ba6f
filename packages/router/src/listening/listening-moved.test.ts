import type { SessionId } from '@mcp-router/core'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, initialize } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { asked, openAsideAsker, question } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

/** A client at two Instances, with its stream at the first, of a Backend with two servers that ask outside of calls. */
const openPair = async () => {
  const servers = [await openAsideAsker(), await openAsideAsker()]
  const backends = [
    backendOf(
      'web',
      servers.map(({ endpoint }) => httpEndpoint(endpoint.url)),
    ),
  ]
  const store = openStore()
  const a = await openGateway({ backends, store })
  const b = await openGateway({ backends, store, instance: 'router-instance-2' })
  const { headers, session } = await initialize(`${b.url}/mcp/web`)
  const own = await follow(`${a.url}/mcp/web`, { headers })
  const [at, other] = servers[0]?.isHeld() ? servers : servers.toReversed()
  if (!at || !other) throw new Error('there is no server')
  /** Has the session at a revision of the protocol that has batches. */
  const allowBatches = async (): Promise<void> => {
    const id = session as SessionId // of the store
    await store.sessions.update(id, 0, { revision: '2025-03-26' })
    for (const { router } of [a, b]) await router.forget(id)
  }
  /** Has the first Instance know that the session moved, as instances tell each other. */
  const tellFirst = (): Promise<void> => a.router.forget(session as SessionId) // of the store
  /** Ends all Instances, and starts another. */
  const startAgain = async (): Promise<string> => {
    await Promise.all([a, b].map(({ router }) => router.drain(0)))
    const instance = 'router-instance-3'
    const c = await openGateway({ backends, store, instance, returningMs: 60_000 })
    return `${c.url}/mcp/web`
  }
  return {
    startAgain,
    allowBatches,
    tellFirst,
    a: `${a.url}/mcp/web`,
    b: `${b.url}/mcp/web`,
    headers,
    own,
    at,
    other,
  }
}

const call = (id: number, headers: Record<string, string>, accept?: string) => ({
  headers: { ...headers, accept: accept ?? 'application/json, text/event-stream' },
  body: aRequest(id, 'ask'),
})

describe('a server that asks in the first call of a session that moved to it', () => {
  it('is heard on the stream of the call', async () => {
    const { b, headers, at, other } = await openPair()
    await at.endpoint.shut()
    const told = await follow(b, call(1, headers))
    expect(await told.message()).toEqual(asked('q-1'))
    other.answer(1)
    expect(await told.message()).toMatchObject({ id: 1, result: { n: 1 } })
  })

  it('is heard by the client’s next stream where the call cannot take it', async () => {
    const { b, headers, at, other } = await openPair()
    await at.endpoint.shut()
    const asking = ask(b, call(1, headers, 'application/json'))
    await expect.poll(other.isHeld).toBe(true)
    const next = await follow(b, { headers })
    expect(await next.message()).toEqual(asked('q-1'))
    other.answer(1)
    expect(JSON.parse((await asking).text)).toMatchObject({ id: 1, result: { n: 1 } })
  })

  it('is heard in a batch', async () => {
    const { b, headers, at, other, allowBatches } = await openPair()
    await allowBatches()
    await at.endpoint.shut()
    const told = await follow(b, { ...call(1, headers), body: [aRequest(1, 'ask')] })
    expect(await told.message()).toEqual(asked('q-1'))
    other.answer(1)
    expect(await told.message()).toMatchObject({ id: 1, result: { n: 1 } })
  })

  it('is heard where it forgot the session and left its stream open', async () => {
    const { a, b, headers, own, at, tellFirst } = await openPair()
    at.endpoint.forget()
    const told = await follow(b, call(1, headers))
    expect(await told.message()).toEqual(asked('q-1'))
    at.answer(1)
    expect(await told.message()).toMatchObject({ id: 1, result: { n: 1 } })
    const second = await follow(b, call(2, headers))
    expect(await second.message()).toEqual(asked('q-2'))
    at.answer(2)
    await tellFirst()
    await expect.poll(() => own.response.complete).toBe(true)
    const next = await follow(a, { headers })
    at.say(question('later'))
    expect(await next.message()).toEqual(asked('later'))
  })
})

it('a server that forgot a session and left its stream open is heard where that stream was', async () => {
  const { a, headers, at } = await openPair()
  at.endpoint.forget()
  const told = await follow(a, call(1, headers))
  expect(await told.message()).toEqual(asked('q-1'))
  at.answer(1)
  expect(await told.message()).toMatchObject({ id: 1, result: { n: 1 } })
})

it('a server that asks in the first call after all instances were gone is heard', async () => {
  const { headers, at, startAgain } = await openPair()
  const told = await follow(await startAgain(), call(1, headers))
  expect(await told.message()).toEqual(asked('q-1'))
  at.answer(1)
  expect(await told.message()).toMatchObject({ id: 1, result: { n: 1 } })
})
