import type { Instance, InstanceId, Session, SessionId } from '@mcp-router/core'
import { expect, it } from 'vitest'
import { homeOf } from '../cluster/home.js'
import type { Peers } from '../cluster/peers.js'
import type { SessionEntry } from '../sessions/entry.js'
import type { ListeningCall } from './listening-calls.js'
import { ListeningPeers } from './listening-peers.js'
import { Listening } from './listening.js'
import type { OwnStream } from './own-streams.js'

const self = 'router-instance-1' as InstanceId
const other = { id: 'router-instance-2' } as Instance // nothing else of it is read

it('a client’s stream that is seen late only collects what an instance holds beside it', async () => {
  const asked: string[] = []
  let isOpen = false
  const ask: Peers['ask'] = (method, _target, _limitMs, to) => {
    asked.push(to ? `${method} ${to.id}` : method)
    // At first it does not answer in time.
    const answers = method === 'GET' && isOpen
    return Promise.resolve(answers ? [{ from: other, body: Buffer.from('client') }] : [])
  }
  const isOffered = (): boolean => asked.some((each) => each.startsWith('PATCH'))
  const stream: Partial<OwnStream> = {
    openInPlace() {
      isOpen = true
      return Promise.resolve('open')
    },
    holder: () => (isOffered() ? undefined : 'instance'),
    isDetached: false,
  }
  const streamOf = () => stream as OwnStream // the rest is not asked
  const listening = new Listening({ instance: self, peers: { ask }, streamOf })
  const record = { id: 's-1' as SessionId, backendSessionId: 'there' } as Session
  const session = { record } as SessionEntry
  listening.onLost()
  await listening.before({ session } as ListeningCall)
  await expect.poll(isOffered).toBe(true)
  listening.close()
  expect(asked).toEqual(['GET', 'GET', 'PATCH router-instance-2'])
})

it('a client’s stream that comes while an instance is about to open one has it alone', async () => {
  const record = { id: 's-1' as SessionId, backendSessionId: 'there' } as Session
  let state: 'coming' | 'client' = 'coming'
  const own: Partial<OwnStream> = {
    holder: () => state,
    redeliver: () => undefined,
    endUnless: () => undefined,
  }
  let opened = 0
  const ask = () => {
    if (listening.streams.of(record.id).length > 0) state = 'client'
    else listening.streams.add(record.id, own as OwnStream) // the rest is not asked
    return Promise.resolve([])
  }
  const streamOf = () => {
    opened++
    return { openInPlace: () => Promise.resolve('none') } as Partial<OwnStream> as OwnStream
  }
  const listening = new Listening({ instance: self, peers: { ask }, streamOf })
  listening.onMoved(record.id)
  await listening.before({ session: { record } as SessionEntry } as ListeningCall)
  expect([opened, state]).toEqual([0, 'client'])
  listening.streams.remove(record.id, own as OwnStream) // likewise
  listening.close()
})

const idsAt = (home: { readonly id: InstanceId }): SessionId =>
  ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']
    .map((each) => each as SessionId)
    .find((id) => homeOf(id, [{ id: self }, other])?.id === home.id)! // one of ten

it('the home among the instances that answer says who opens a stream', async () => {
  const id = idsAt(other)
  const asked: unknown[] = []
  const ask: Peers['ask'] = (method, _target, _limitMs, to) => {
    asked.push([method, to?.id])
    return Promise.resolve([{ from: other, body: Buffer.from('taken') }])
  }
  const peers = new ListeningPeers({ ask }, self)
  const answering = { from: other, holder: undefined, isAsking: false, isKeeping: false }
  expect(await peers.claim(id, [answering])).toBe(false)
  expect(asked).toEqual([['POST', 'router-instance-2']])
  expect(await peers.claim(id, [])).toBe(true)
  expect(peers.answerClaim(id, 'somebody else')).toBe('taken')
  expect(asked).toHaveLength(1)
})
