import { aRequest, jsonOf } from '@mcp-router/testkit/client'
import { arrayIn, overHttp } from '@mcp-router/testkit/router'
import { echo } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const notify = (method: string) => ({ jsonrpc: '2.0', method })

describe('the members of a batch at an endpoint', () => {
  it('go on in a new session where the server has forgotten this one', async () => {
    for (const body of [[notify('x')], [aRequest(1, 'echo'), aRequest(2, 'echo')]]) {
      const { endpoint, gateway, send } = await overHttp()
      endpoint.forget()
      const { status } = await send(body)
      expect([status, gateway.ended]).toEqual([body.length === 1 ? 202 : 200, []])
      expect(endpoint.by('initialize')).toHaveLength(2)
      expect(endpoint.asked.at(-1)?.headers['mcp-session-id']).toBe('s-2')
    }
  })

  it('end the session where the server forgets every one, and the client hears that', async () => {
    const { gateway, session, send } = await overHttp(({ res }) => void res.writeHead(404).end())
    const told = await send([aRequest(1, 'echo'), aRequest(2, 'echo')])
    expect([told.status, jsonOf(told)]).toMatchObject([404, { error: { code: -32001 } }])
    await expect.poll(() => gateway.ended).toContain(session)
  })

  it('run once where the batch comes again under the same X-Request-Id', async () => {
    const held: Asked[] = []
    const { endpoint, send } = await overHttp((asked) => void held.push(asked))
    const batch = [aRequest(1, 'write', { n: 1 }), aRequest(2, 'write', { n: 2 })]
    const again = { 'x-request-id': 'one' }
    const both = [send(batch, again), send(batch, again)]
    await expect.poll(() => held.length).toBe(2)
    held.forEach(echo)
    for (const told of await Promise.all(both))
      expect(arrayIn(told)).toMatchObject([
        { id: 1, result: { n: 1 } },
        { id: 2, result: { n: 2 } },
      ])
    expect(arrayIn(await send(batch, again))).toMatchObject([
      { id: 1, result: { n: 1 } },
      { id: 2 },
    ])
    expect(endpoint.by('write')).toHaveLength(2)
  })
})
