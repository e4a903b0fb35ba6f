import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { openCommand, openAsker } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

/** `work` sends a message and is never answered. */
const openWorking = () =>
  openCommand({
    on: { work: ({ notify }) => notify('notifications/message', { level: 'info', data: 1 }) },
  })

const open = async (revision: string) => {
  const asker = await openAsker((call) => call.say('notifications/message', { level: 'info' }))
  const backends = [
    backendOf('local', [(await openWorking()).endpoint]),
    backendOf('web', [httpEndpoint(asker.url)]),
  ]
  const store = openStore()
  const gateway = await openGateway({ backends, store })
  /** A call whose stream has begun. */
  const working = async (server: string, body: object = aRequest(1, 'work')) => {
    const url = `${gateway.url}/mcp/${server}`
    const params = { protocolVersion: revision, capabilities: {}, clientInfo: {} }
    const told = await ask(url, { body: aRequest(0, 'initialize', params) })
    const session = String(told.headers['mcp-session-id'])
    const headers = {
      accept: 'application/json, text/event-stream',
      'mcp-session-id': session,
      'mcp-protocol-version': revision,
    }
    const call = await follow(url, { headers, body })
    await call.message()
    return { call, session: session as never }
  }
  return { gateway, working }
}

const unknown = { id: 1, error: { code: -31001 } }

describe('a call whose client cannot come back for the rest of its stream', () => {
  it.each([
    ['local', '2024-11-05'],
    ['web', '2024-11-05'],
    ['web', '2025-06-18'],
  ])('is told of when the instance stops (%s, %s)', async (server, revision) => {
    const { gateway, working } = await open(revision)
    const { call } = await working(server)
    await gateway.router.drain(0)
    expect(await call.message()).toMatchObject(unknown)
    await expect.poll(() => call.response.complete).toBe(true)
  })

  it('is told of in a batch', async () => {
    const { gateway, working } = await open('2025-03-26')
    const { call } = await working('local', [aRequest(1, 'work'), aRequest(2, 'work')])
    await call.message()
    await gateway.router.drain(0)
    const both = [await call.message(), await call.message()]
    expect(both).toMatchObject([unknown, { ...unknown, id: 2 }])
  })

  it('is told of when its session went to another instance', async () => {
    const { gateway, working } = await open('2024-11-05')
    const { call, session } = await working('local')
    await gateway.router.forget(session)
    expect(await call.message()).toMatchObject(unknown)
  })

  it('is told of though its session lives on at an instance that drains', async () => {
    const { gateway, working } = await open('2024-11-05')
    const { call, session } = await working('local')
    gateway.router.linger()
    await gateway.router.forget(session)
    await gateway.router.drain(0)
    expect(await call.message()).toMatchObject(unknown)
  })
})

it('a call whose client can come back is not: its stream ends', async () => {
  const { gateway, working } = await open('2025-06-18')
  const { call } = await working('local')
  let rest = ''
  call.response.on('data', (chunk: Buffer) => (rest += chunk.toString()))
  await gateway.router.drain(0)
  await expect.poll(() => call.response.complete).toBe(true)
  expect(rest).toBe('')
})
