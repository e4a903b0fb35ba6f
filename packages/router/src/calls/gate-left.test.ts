import { RouterError } from '@mcp-router/core'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, modernClient } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { openEndpoint, openModernEndpoint, respond } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import type { CallLog } from '@mcp-router/store'
import { describe, expect, it } from 'vitest'
import { againHeader } from '../http/incoming.js'

const tool = { name: 't', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } }

/** A call of a tool whose server has yet to say what it is, through a gateway whose store is as slow as `accept`. */
const open = async (
  way: 'modern' | 'session',
  accept: CallLog['accept'],
  more: Readonly<Record<string, string>> = {},
) => {
  const lists: Asked[] = []
  const methods: unknown[] = []
  const answer = (asked: Asked): void => {
    methods.push(asked.message.method)
    if (asked.message.method === 'tools/list') lists.push(asked)
    else respond(asked, { resultType: 'complete' })
  }
  const endpoint = way === 'modern' ? await openModernEndpoint(answer) : await openEndpoint(answer)
  const store = openStore()
  const gateway = await openGateway({
    backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
    store: { ...store, callLog: { ...store.callLog, accept } },
    storeBudgetMs: 1,
  })
  const url = `${gateway.url}/mcp/weather`
  const leaving = new AbortController()
  const { signal } = leaving
  const again = { 'x-request-id': 'r-1', ...more }
  const session = way === 'session' ? (await initialize(url)).headers : {}
  const call =
    way === 'modern'
      ? modernClient(url).send('tools/call', { name: 't' }, { headers: again, signal })
      : ask(url, {
          headers: { ...session, ...again },
          body: aRequest(1, 'tools/call', { name: 't' }),
          signal,
        })
  call.catch(() => undefined)
  await expect.poll(() => lists.length).toBeGreaterThan(0)
  leaving.abort()
  await expect.poll(() => gateway.router.calls()).toBe(0)
  const list = (): void => {
    for (const asked of lists) respond(asked, { resultType: 'complete', tools: [tool] })
  }
  /** Whatever was sent before this has come. */
  const settle = (): Promise<unknown> =>
    way === 'modern'
      ? modernClient(url).send('prompts/get', { name: 'p' })
      : ask(url, { headers: session, body: aRequest(2, 'prompts/get', { name: 'p' }) })
  return { gateway, methods, list, settle }
}

describe.each(['modern', 'session'] as const)(
  'a call whose client leaves at the gate (%s)',
  (way) => {
    it('is not sent where it may run twice', async () => {
      const { gateway, methods, list, settle } = await open(way, () => new Promise(() => undefined))
      list()
      await expect.poll(() => gateway.calls().at(-1)).toMatchObject({ outcome: 'CLIENT_LEFT' })
      await settle()
      expect(methods).not.toContain('tools/call')
    })

    it('is not sent where it came again, and the store is away', async () => {
      const away = () => Promise.reject(new RouterError('STORE_UNAVAILABLE'))
      const again = { [againHeader]: '1' }
      const { gateway, methods, list, settle } = await open(way, away, again)
      list()
      await expect.poll(() => gateway.calls().at(-1)).toMatchObject({ outcome: 'CLIENT_LEFT' })
      await settle()
      expect(methods).not.toContain('tools/call')
    })

    it('is not sent where the store is slow, and is logged', async () => {
      let note = (): void => undefined
      const noted = new Promise<undefined>((resolve) => (note = () => resolve(undefined)))
      const { gateway, methods, settle } = await open(way, () => noted)
      note()
      await expect.poll(() => gateway.calls().at(-1)).toMatchObject({ outcome: 'CLIENT_LEFT' })
      await settle()
      expect(methods).not.toContain('tools/call')
    })
  },
)
