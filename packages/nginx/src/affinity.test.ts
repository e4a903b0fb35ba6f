import { ask, openInstances, openSite } from '@mcp-router/testkit/nginx'
import { expect, it } from 'vitest'
import type { Affinity } from './settings.js'

/** Opens three instances behind Nginx and asks which of them answers. */
const openCluster = async (affinity: Affinity) => {
  const instances = await openInstances(3)
  const { port } = await openSite({ affinity, instances: instances.map((one) => one.address) })
  return async (path: string, headers: Record<string, string> = {}): Promise<string> => {
    const { body } = await ask(port, path, { method: 'POST', headers, body: '{}' })
    return (JSON.parse(body) as { instance: string }).instance
  }
}

const sessions = Array.from({ length: 20 }, (_, at) => `session-${at}`)

it('round_robin asks every instance in turn, whichever worker accepts', async () => {
  const who = await openCluster('round_robin')
  const first = [await who('/mcp/x'), await who('/mcp/x'), await who('/mcp/x')]
  const second = [await who('/mcp/x'), await who('/mcp/x'), await who('/mcp/x')]
  expect(new Set(first).size).toBe(3)
  expect(second).toEqual(first)
})

it('ip_hash keeps a client with one instance', async () => {
  const who = await openCluster('ip_hash')
  const answered = new Set<string>()
  for (const id of sessions) answered.add(await who(`/mcp/x?sessionId=${id}`))
  expect(answered.size).toBe(1)
})

it('session keeps a session with one instance, named by the header or by the query', async () => {
  const who = await openCluster('session')
  const answered = new Set<string>()
  for (const id of sessions) {
    const byHeader = await who('/mcp/x', { 'Mcp-Session-Id': id })
    expect(await who('/mcp/x', { 'Mcp-Session-Id': id })).toBe(byHeader)
    expect(await who(`/mcp/x/message?sessionId=${id}`)).toBe(byHeader)
    expect(await who(`/mcp-bridge/mcp/x/message?sessionId=${id}`)).toBe(byHeader)
    answered.add(byHeader)
  }
  expect(answered.size).toBe(3)
})

it('session spreads what has no session', async () => {
  const who = await openCluster('session')
  const answered = new Set<string>()
  for (let asked = 0; asked < 40; asked++) answered.add(await who('/mcp/x'))
  expect(answered.size).toBe(3)
})
