import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Instance, InstanceId } from '@mcp-router/core'
import { ask, begin, jsonOf } from '@mcp-router/testkit/client'
import type { HttpClient } from '@mcp-router/upstream'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createDeadlines } from '../calls/deadlines.js'
import { Incoming } from '../http/incoming.js'
import { createKeepAlive } from '../http/keep-alive.js'
import { createHandoff } from './handoff.js'

const other: Instance = {
  id: 'router-instance-2' as InstanceId,
  address: 'http://127.0.0.1:1',
  pid: 1,
  startedAt: 1,
  sessions: 0,
}

/** An Instance that passes everything on, to one that never answers. */
const open = async () => {
  const [keep, deadlines, dispatch] = [createKeepAlive(60_000), createDeadlines(), vi.fn()]
  const handoff = createHandoff({
    client: { dispatch } as unknown as HttpClient,
    members: { find: () => Promise.resolve(other) } as never,
    keep,
    deadlines,
    secret: 'secret',
    instance: 'router-instance-1' as InstanceId,
    limit: 2,
  })
  const server = createServer((req, res) => {
    const incoming = new Incoming(req, res, { name: 'ada' }, 'http', 0, { emit: () => undefined })
    handoff.passTo(incoming, other, Buffer.from('{}'), {})
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    keep.close()
    deadlines.close()
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp/local`, dispatch }
}

it('more requests than may wait for other instances are refused, streams aside, until one is over', async () => {
  const { url, dispatch } = await open()
  const leaving = new AbortController()
  const waiting = [leaving.signal, undefined].map((signal) =>
    begin(url, { body: {}, ...(signal && { signal }) }),
  )
  for (const each of waiting) each.catch(() => undefined)
  begin(url).catch(() => undefined)
  await vi.waitUntil(() => dispatch.mock.calls.length === 3)
  const refused = await ask(url, { body: {} })
  expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '5' } })
  expect(jsonOf(refused)).toMatchObject({
    error: { message: 'Too many requests that wait for another instance: the limit is 2' },
  })
  expect(dispatch).toHaveBeenCalledTimes(3)
  leaving.abort()
  await vi.waitUntil(() => {
    begin(url, { body: {} }).catch(() => undefined)
    return dispatch.mock.calls.length === 4
  })
})
