import type { Endpoint, Era } from '@mcp-router/core'
import { answerJson, openHttp } from '@mcp-router/testkit/server'
import { backendOf, httpEndpoint, nodeEndpoint, sseEndpoint } from '@mcp-router/testkit/upstream'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createHttpClient } from '../http/client.js'
import { createSharedKeys } from './endpoint-key.js'
import { createEras } from './eras.js'
import type { SharedEras } from './eras.js'

/** A shared memory whose entries a test may look at; `leftMs` of each is ten minutes. */
const sharedMemory = () => {
  const kept = new Map<string, Era>()
  const shared: SharedEras = {
    find: (key) => {
      const era = kept.get(key)
      return Promise.resolve(era && { era, leftMs: 600_000 })
    },
    keep: (key, era) => Promise.resolve(void kept.set(key, era)),
    forget: (key) => Promise.resolve(void kept.delete(key)),
  }
  return { kept, shared }
}

/** A modern server, and any number of instances before it. */
const open = async (status = 200) => {
  const server = await openHttp((asked) => {
    const result = { supportedVersions: ['2026-07-28'] }
    answerJson(asked, { jsonrpc: '2.0', id: asked.message.id, result }, { status })
  })
  const client = createHttpClient({ connectTimeoutMs: 1_000 })
  onTestFinished(() => client.close())
  const endpoint = httpEndpoint(`${server.origin}/mcp`)
  const keys = createSharedKeys('secret')
  const instance = (eras?: SharedEras) =>
    createEras({ client, ...(eras && { shared: { eras, keys } }) })
  return { asked: server.asked, endpoint, backend: backendOf(endpoint), instance }
}

describe('eras', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
  afterEach(() => void vi.useRealTimers())
  const pass = (ms: number) => void vi.setSystemTime(Date.now() + ms)

  it('takes the word of another instance', async () => {
    const { asked, endpoint, backend, instance } = await open()
    const { shared } = sharedMemory()
    expect(await instance(shared).find(backend, endpoint)).toBe('modern')
    const other = instance(shared)
    expect(await other.find(backend, endpoint)).toBe('modern')
    expect([asked.length, other.known(backend, endpoint)]).toEqual([1, 'modern'])
  })

  it('believes it no longer than it lasts', async () => {
    const { asked, endpoint, backend, instance } = await open()
    const find = () => Promise.resolve({ era: 'legacy' as const, leftMs: 1_000 })
    const eras = instance({ ...sharedMemory().shared, find })
    expect(await eras.find(backend, endpoint)).toBe('legacy')
    pass(1_001)
    expect([eras.known(backend, endpoint), asked.length]).toEqual([undefined, 0])
  })

  it('asks again after ten minutes', async () => {
    const { asked, endpoint, backend, instance } = await open()
    const eras = instance()
    await eras.find(backend, endpoint)
    pass(600_001)
    expect(eras.known(backend, endpoint)).toBeUndefined()
    await eras.find(backend, endpoint)
    expect(asked).toHaveLength(2)
  })

  it('forgets a doubted verdict for all, and asks rather than believe others', async () => {
    const { asked, endpoint, backend, instance } = await open()
    const { kept, shared } = sharedMemory()
    const eras = instance(shared)
    await eras.find(backend, endpoint)
    const [key = ''] = kept.keys()
    pass(6_000)
    eras.doubt(endpoint)
    expect(kept.size).toBe(0)
    kept.set(key, 'legacy')
    expect(await eras.find(backend, endpoint)).toBe('modern')
    expect([asked.length, kept.get(key)]).toEqual([2, 'modern'])
  })

  it('keeps nothing that was not decided', async () => {
    const { endpoint, backend, instance } = await open(503)
    const { kept, shared } = sharedMemory()
    await expect(instance(shared).find(backend, endpoint)).rejects.toMatchObject({
      code: 'UPSTREAM_BUSY',
    })
    expect(kept.size).toBe(0)
  })

  it.each([
    ['is away', () => Promise.reject(new Error('away'))],
    ['says nothing', () => new Promise<never>(() => undefined)],
  ])('asks by itself when what is shared %s', async (_, silent) => {
    const { endpoint, backend, instance } = await open()
    const eras = instance({ find: silent, keep: silent, forget: silent })
    expect(await eras.find(backend, endpoint)).toBe('modern')
    pass(6_000)
    eras.doubt(endpoint)
    expect(await eras.find(backend, endpoint)).toBe('modern')
  })

  it('knows those of HTTP+SSE without asking, and others where the operator does', async () => {
    const { asked, endpoint, instance } = await open()
    const sse = sseEndpoint(endpoint.url)
    const command = nodeEndpoint('')
    const eras = instance()
    expect(eras.known(backendOf(sse), sse)).toBe('legacy')
    expect(await eras.find({ ...backendOf(sse), era: 'modern' }, sse)).toBe('legacy')
    expect(await eras.find({ ...backendOf(command), era: 'modern' }, command)).toBe('modern')
    expect(eras.known(backendOf(command), command)).toBeUndefined()
    expect(asked).toHaveLength(0)
  })

  it('finds that of a command, and remembers it', async () => {
    const { instance } = await open()
    const exits = `process.stdin.once('data', () => {
      console.log('{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}')
    })`
    const command = nodeEndpoint(exits)
    const eras = instance()
    onTestFinished(() => eras.close())
    expect(await eras.find(backendOf(command), command)).toBe('legacy')
    expect(eras.known(backendOf(command), command)).toBe('legacy')
    pass(6_000)
    eras.doubt(command)
    expect(eras.known(backendOf(command), command)).toBe('legacy')
  })

  it.each<[string, (url: string) => Endpoint]>([
    ['url', (url) => httpEndpoint(`${url}/other`)],
    ['credentials', (url) => httpEndpoint(url, { headers: { authorization: 'Bearer x' } })],
  ])('asks anew where the %s changed', async (_, changed) => {
    const { endpoint, backend, instance } = await open()
    const eras = instance(sharedMemory().shared)
    await eras.find(backend, endpoint)
    expect(eras.known(backend, { ...endpoint })).toBe('modern')
    expect(eras.known(backend, changed(endpoint.url))).toBeUndefined()
  })
})
