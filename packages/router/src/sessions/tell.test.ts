import type { InstanceId, RouterEvent, SessionId } from '@mcp-router/core'
import type { Store } from '@mcp-router/store'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import type { TestGateway } from '@mcp-router/testkit/router'
import { openEndpoint, openUsual } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const first = 'router-instance-1' as InstanceId
const second = 'router-instance-2' as InstanceId

const turns = (events: readonly RouterEvent[]) =>
  events.flatMap((event) =>
    event.kind === 'session' ? [[event.action, event.cause, event.epoch]] : [],
  )

const open = async (touchMs = 60_000) => {
  const endpoints = [await openEndpoint(), await openEndpoint()] as const
  const backends = [
    backendOf('pair', [httpEndpoint(endpoints[0].url), httpEndpoint(endpoints[1].url)]),
    backendOf('local', [(await openUsual()).endpoint]),
  ]
  const store = openStore()
  const options = { touchMs }
  const gateway = await openGateway({ backends, store, options })
  const openAs = (instance: InstanceId) => openGateway({ backends, store, options, instance })
  return { endpoints, store, gateway, openAs }
}

const call = ({ url }: TestGateway, backend: string, headers: Readonly<Record<string, string>>) =>
  ask(`${url}/mcp/${backend}`, { headers, body: aRequest('call', 'echo', { n: 1 }) })

describe('what is told of a portable session', () => {
  it('is that its endpoint had forgotten it', async () => {
    const { gateway, endpoints } = await open()
    const { headers } = await initialize(`${gateway.url}/mcp/pair`)
    const at = endpoints.find(({ asked }) => asked.length > 0)!
    at.forget()
    expect((await call(gateway, 'pair', headers)).status).toBe(200)
    expect(turns(gateway.events)).toEqual([
      ['opened', undefined, 0],
      ['re-initialized', `${at.url} had forgotten it`, 0],
    ])
  })

  it('is that it moved, because its endpoint is gone', async () => {
    const { gateway, endpoints } = await open()
    const { headers } = await initialize(`${gateway.url}/mcp/pair`)
    const at = endpoints.find(({ asked }) => asked.length > 0)!
    const other = endpoints.find(({ asked }) => asked.length === 0)!
    await at.shut()
    expect((await call(gateway, 'pair', headers)).status).toBe(200)
    expect(turns(gateway.events).at(-1)).toEqual(['moved', `${at.url} could not be reached`, 0])
    expect(gateway.events.findLast(({ kind }) => kind === 'session')).toMatchObject({
      endpoint: other.url,
    })
  })
})

describe('what is told of an owned session', () => {
  const dead = { id: first, address: 'http://127.0.0.1:1', pid: 1, startedAt: 1, sessions: 0 }
  const losses: readonly (readonly [string, (store: Store) => Promise<unknown>])[] = [
    ['the lease of router-instance-1 had ended', (store) => store.membership.leave(first)],
    ['router-instance-1 did not answer', (store) => store.membership.join(dead, { evict: true })],
    [
      'router-instance-1 was being stopped',
      (store) => store.membership.join({ ...dead, back: 'http://127.0.0.1:1' }, { evict: true }),
    ],
  ]

  it.each(losses)('is who took it over, because %s', async (cause, lose) => {
    const { gateway, store, openAs } = await open()
    const { headers } = await initialize(`${gateway.url}/mcp/local`)
    await lose(store)
    const next = await openAs(second)
    expect((await call(next, 'local', headers)).status).toBe(200)
    expect(turns(next.events)).toEqual([
      ['taken over', cause, 2],
      ['replayed', 'it was taken over', 2],
    ])
  })

  it('is that its instance was restarted', async () => {
    const { gateway, openAs } = await open()
    const { headers } = await initialize(`${gateway.url}/mcp/local`)
    const next = await openAs(first)
    expect((await call(next, 'local', headers)).status).toBe(200)
    expect(turns(next.events)[0]).toEqual(['taken over', 'router-instance-1 was restarted', 2])
  })

  it('is that its server had ended', async () => {
    const { gateway } = await open()
    const { headers } = await initialize(`${gateway.url}/mcp/local`)
    await ask(`${gateway.url}/mcp/local`, { headers, body: aRequest('end', 'exit') })
    expect((await call(gateway, 'local', headers)).status).toBe(200)
    expect(turns(gateway.events)).toEqual([
      ['opened', undefined, 1],
      ['replayed', 'its server, or the connection to it, had ended', 1],
    ])
  })

  it('is that its owner let go of it: another one had claimed it', async () => {
    const { gateway, store } = await open(20)
    const { session, headers } = await initialize(`${gateway.url}/mcp/local`)
    await store.sessions.claim(session as SessionId, 1, second)
    // Only what was used is touched, which is how it finds out; a call under way then is left to the new owner.
    await call(gateway, 'local', headers).catch(() => undefined)
    const cause = expect.stringContaining('another instance had taken it over')
    await expect.poll(() => turns(gateway.events)).toContainEqual(['released', cause, 1])
  })

  it('is that its owner let go of it: that was stopped', async () => {
    const { gateway } = await open()
    await initialize(`${gateway.url}/mcp/local`)
    await gateway.router.drain(0)
    const cause = 'router-instance-1 was stopped'
    expect(turns(gateway.events).at(-1)).toEqual(['released', cause, 1])
  })

  it('is that its client ended it', async () => {
    const { gateway } = await open()
    const { headers } = await initialize(`${gateway.url}/mcp/local`)
    await ask(`${gateway.url}/mcp/local`, { method: 'DELETE', headers })
    expect(turns(gateway.events).at(-1)).toEqual(['closed', 'DELETE by the client', 1])
  })
})

it('nothing that a client said is told', async () => {
  const { gateway } = await open()
  const { headers } = await initialize(`${gateway.url}/mcp/pair`)
  await ask(`${gateway.url}/mcp/pair`, { headers, body: aRequest(1, 'echo', { a: 'SECRET' }) })
  expect(JSON.stringify(gateway.events.filter(({ kind }) => kind === 'session'))).not.toMatch(
    /SECRET|clientInfo|s-1/,
  )
})
