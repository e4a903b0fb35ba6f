import type { Instance, SessionId } from '@mcp-router/core'
import { expect, it } from 'vitest'
import type { Peers } from '../cluster/peers.js'
import { ListeningPeers } from './listening-peers.js'

const id = 's-1' as SessionId
const other = { id: 'router-instance-2' } as Instance // nothing else of it is read

it('a client’s stream that is seen late only collects what an instance holds beside it', async () => {
  const asked: string[] = []
  const ask: Peers['ask'] = (method, _target, _onLate, to) => {
    asked.push(to ? `${method} ${to.id}` : method)
    // At first it does not answer in time.
    const answers = method === 'GET' && asked.length > 1
    return Promise.resolve(answers ? [{ from: other, body: Buffer.from('client') }] : [])
  }
  const home: Peers['home'] = () => Promise.resolve(undefined)
  const holds = () => !asked.some((each) => each.startsWith('PATCH'))
  await new ListeningPeers({ ask, home }, () => undefined).offer(id, holds)
  expect(asked).toEqual(['GET', 'GET', 'PATCH router-instance-2'])
})

it('the next home says who opens a stream where the first does not answer', async () => {
  const silent = { id: 'router-instance-3' } as Instance
  const homes = [silent, other]
  const asked: unknown[] = []
  const ask: Peers['ask'] = (method, _target, _onLate, to) => {
    asked.push([method, to?.id])
    return Promise.resolve(to === other ? [{ from: other, body: Buffer.from('granted') }] : [])
  }
  const home: Peers['home'] = (_, gone) =>
    Promise.resolve(homes.find((each) => !gone.includes(each)))
  const peers = new ListeningPeers({ ask, home }, () => undefined)
  expect(await peers.claim(id)).toBe(true)
  expect(asked).toEqual([
    ['POST', 'router-instance-3'],
    ['POST', 'router-instance-2'],
  ])
  homes.splice(0)
  expect(await peers.claim(id)).toBe(true)
  expect(peers.grant(id, 'somebody else')).toBe('taken')
})
