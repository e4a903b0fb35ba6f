import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { EndpointId, InstanceId, Session, SessionId } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { memoryStore } from '@mcp-router/store'
import type { LifeEntry } from '@mcp-router/store'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { explain } from './explain.js'
import type { Explanation } from './explain.js'
import { createSurface } from './surface.js'

const id = 's-1' as SessionId
const ttlMs = 1_800_000

const record: Session = {
  id,
  backend: 'weather' as Session['backend'],
  principal: 'ada',
  downstream: 'http',
  instance: 'router-instance-2' as InstanceId,
  epoch: 2,
  endpoint: 'stdio:weather#1' as EndpointId,
  place: 'place-1',
  backendSessionId: 'SECRET-of-the-server',
  revision: '2025-06-18',
  initialize: '{"clientInfo":{"name":"SECRET"}}',
  loggingLevel: 'debug',
  subscriptions: ['file:///SECRET', 'file:///b'],
  lastActive: Date.parse('2026-03-02T12:03:57Z'),
}

const opened: LifeEntry = {
  at: Date.parse('2026-03-02T12:01:03.123Z'),
  kind: 'opened',
  instance: 'router-instance-1' as InstanceId,
  backend: 'weather',
  principal: 'ada',
  endpoint: 'stdio:weather#1',
  epoch: 1,
  cause: '',
}

/** The caller is whom `x-principal` names. */
const open = async () => {
  const store = memoryStore({ sessionTtlMs: ttlMs, leaseMs: ttlMs })
  const onError = vi.fn()
  const surface = createSurface({
    admission: {
      admit(req) {
        const name = req.headers['x-principal']
        if (typeof name !== 'string') throw new RouterError('UNAUTHENTICATED')
        return { name }
      },
    },
    metrics: {
      count: () => undefined,
      contentType: 'text/plain',
      render: () => Promise.resolve(''),
    },
    sessions: () => new Map(),
    phase: () => 'ready',
    storeHealth: () => store.health(),
    status: () => Promise.reject(new Error('not asked for')),
    explain: (session, principal) => explain({ store, ttlMs }, session, principal),
    onError,
  })
  const server = createServer(surface)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
    await store.close()
  })
  // A server that listens on TCP has an AddressInfo.
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const ask = async (path: string, principal?: string) => {
    const headers: Record<string, string> =
      principal === undefined ? {} : { 'x-principal': principal }
    const answer = await fetch(`${base}/api/sessions/${path}/explain`, { headers })
    const text = await answer.text()
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      json: JSON.parse(text) as unknown,
    }
  }
  return { store, ask, onError }
}

describe('the explanation of a session', () => {
  it('is what it is now, and what happened to it', async () => {
    const { store, ask } = await open()
    await store.sessions.create(record)
    await store.lives.note(id, opened)
    const { status, json } = await ask(id, 'ada')
    expect(status).toBe(200)
    expect(json).toEqual({
      id,
      session: {
        backend: 'weather',
        principal: 'ada',
        downstream: 'http',
        instance: 'router-instance-2',
        owner: 'router-instance-2',
        epoch: 2,
        endpoint: 'stdio:weather#1',
        revision: '2025-06-18',
        loggingLevel: 'debug',
        subscriptions: 2,
        lastActive: '2026-03-02T12:03:57.000Z',
      },
      life: [
        {
          at: '2026-03-02T12:01:03.123Z',
          kind: 'opened',
          instance: 'router-instance-1',
          backend: 'weather',
          endpoint: 'stdio:weather#1',
          epoch: 1,
          cause: '',
        },
      ],
      summary: expect.stringMatching(/^opened .*12:01:03 at router-instance-1; still open/),
    })
  })

  it('names no owner where any instance goes on with it', async () => {
    const { store, ask } = await open()
    await store.sessions.create({ ...record, epoch: 0 })
    const { json } = await ask(id, 'ada')
    expect((json as Explanation).session?.owner).toBeNull()
  })

  const released = { ...opened, kind: 'released', instance: record.instance, epoch: 2 }
  const { instance } = opened

  it.each([
    ['none once its owner released it', [released], null],
    ['none though a call was settled since', [released, { ...opened, kind: 'settled' }], null],
    ['its owner, whoever released it before', [{ ...released, instance }], record.instance],
    ['its owner that goes on', [released, { ...opened, kind: 'replayed' }], record.instance],
  ])('names %s', async (_, life, owner) => {
    const { store, ask } = await open()
    await store.sessions.create(record)
    for (const entry of [opened, ...life]) await store.lives.note(id, entry)
    expect(((await ask(id, 'ada')).json as Explanation).session?.owner).toBe(owner)
  })

  it('holds nothing that the client or the server confided', async () => {
    const { store, ask } = await open()
    await store.sessions.create(record)
    expect((await ask(id, 'ada')).text).not.toContain('SECRET')
  })

  it('is there for some time after its end', async () => {
    const { store, ask } = await open()
    await store.lives.note(id, opened)
    await store.lives.note(id, { ...opened, kind: 'ended', cause: 'DELETE by the client' })
    const { status, json } = await ask(id, 'ada')
    const { session, summary } = json as Explanation
    expect([status, session]).toEqual([200, null])
    expect(summary).toContain('(DELETE by the client)')
  })
})

describe('an explanation is refused', () => {
  it('of what nobody knows, with how long a life is kept', async () => {
    const { ask } = await open()
    for (const path of ['nothing', 'x'.repeat(500), '%20'])
      expect(await ask(path, 'ada')).toMatchObject({
        status: 404,
        json: { error: expect.stringMatching(/^No session of yours by this id: .*30 minutes/) },
      })
  })

  it('to everybody but its principal, as if it never was', async () => {
    const { store, ask } = await open()
    await store.sessions.create(record)
    await store.lives.note(id, opened)
    const refused = await ask(id, 'bob')
    expect([refused.status, refused.text]).toEqual([404, (await ask('nothing', 'bob')).text])
    await store.sessions.delete(id)
    expect((await ask(id, 'bob')).status).toBe(404)
    expect((await ask(id, 'ada')).status).toBe(200)
  })

  it('to who is not admitted', async () => {
    const { store, ask } = await open()
    await store.sessions.create(record)
    const { status, headers } = await ask(id)
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
  })

  it('while the store is away, with when to ask again', async () => {
    const { store, ask, onError } = await open()
    await store.close()
    const { status, headers } = await ask(id, 'ada')
    expect([status, headers.get('retry-after')]).toEqual([503, '2'])
    expect(onError).not.toHaveBeenCalled()
  })

  it('of a path that is none', async () => {
    const { ask, onError } = await open()
    expect(await ask('%zz', 'ada')).toMatchObject({ status: 400 })
    expect(onError).not.toHaveBeenCalled()
  })
})
