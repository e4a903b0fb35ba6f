import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, begin, initialize, jsonOf } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { openCommand, openEndpoint } from '@mcp-router/testkit/server'
import type { ServerCall } from '@mcp-router/testkit/server'
import { expect, it } from 'vitest'

const done = { jsonrpc: '2.0', id: 1, result: { done: true } }
const named = { 'x-request-id': 'r-1' }

const open = async () => {
  let hanging: ServerCall | undefined
  const { endpoint } = await openCommand({
    on: {
      hang: (call) => (hanging = call),
      go: () => hanging?.reply({ done: true }),
    },
  })
  const gateway = await openGateway({ backends: [backendOf('local', [endpoint])] })
  const url = `${gateway.url}/mcp/local`
  const { headers } = await initialize(url)
  const leaving = new AbortController()
  const all = { ...headers, ...named }
  const first = ask(url, { headers: all, body: aRequest(1, 'hang'), signal: leaving.signal })
  first.catch(() => undefined)
  await expect.poll(() => gateway.router.calls()).toBe(1)
  const leave = async () => {
    leaving.abort()
    await expect.poll(() => gateway.router.calls()).toBe(0)
  }
  const again = () => ask(url, { headers: all, body: aRequest(1, 'hang') })
  const go = () => ask(url, { headers, body: { jsonrpc: '2.0', method: 'go' } })
  return { gateway, first, leave, again, go }
}

it('a call whose client left goes on, and whoever comes for it meanwhile is answered', async () => {
  const { gateway, leave, again, go } = await open()
  await leave()
  const second = again()
  await expect.poll(() => gateway.router.calls()).toBe(1)
  await go()
  expect(jsonOf(await second)).toEqual(done)
})

it('… and whoever comes later is answered with what was kept', async () => {
  const { gateway, leave, again, go } = await open()
  await leave()
  await go()
  await expect
    .poll(() => gateway.store.callLog.accept('r-1', {} as never))
    .toHaveProperty('response')
  expect(jsonOf(await again())).toEqual(done)
})

it('a call that came twice while both still wait is answered to both', async () => {
  const { gateway, first, again, go } = await open()
  const second = again()
  await expect.poll(() => gateway.router.calls()).toBe(2)
  await go()
  expect(jsonOf(await first)).toEqual(done)
  expect(jsonOf(await second)).toEqual(done)
})

it('a call that ended when its client left leaves nobody waiting', async () => {
  const endpoint = await openEndpoint(() => undefined)
  const gateway = await openGateway({ backends: [backendOf('web', [httpEndpoint(endpoint.url)])] })
  const url = `${gateway.url}/mcp/web`
  const { headers } = await initialize(url)
  const call = { headers: { ...headers, ...named }, body: aRequest(1, 'do') }
  const leaving = new AbortController()
  begin(url, { ...call, signal: leaving.signal }).catch(() => undefined)
  await expect.poll(() => endpoint.by('do')).toHaveLength(1)
  const second = ask(url, call)
  await expect.poll(() => gateway.router.calls()).toBe(2)
  leaving.abort()
  expect(jsonOf(await second)).toMatchObject({ id: 1, error: { code: -31001 } })
  expect(endpoint.by('do')).toHaveLength(1)
})

it('a call whose answer went into a dead connection, as is known only later, does not run again', async () => {
  const { first, again, go } = await open()
  await go()
  expect(jsonOf(await first)).toEqual(done)
  // `hang` would not be answered.
  expect(jsonOf(await again())).toEqual(done)
})
