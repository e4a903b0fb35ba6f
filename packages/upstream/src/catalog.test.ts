import { backendOf, httpEndpoint } from '@mcp-router/testkit/upstream'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createToolCatalog } from './catalog.js'
import type { ListPage } from './pages.js'

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

const a = backendOf(httpEndpoint('http://a/mcp'))
const b = backendOf(httpEndpoint('http://a/mcp', { headers: { authorization: 'Bearer b' } }))

const regional = {
  name: 'regional',
  inputSchema: {
    type: 'object',
    properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
  },
}
const listing = {
  name: 'listing',
  inputSchema: { type: 'object' },
  outputSchema: { type: 'array' },
}

/** A server of one page, and how often it was asked. */
const counted = (...tools: readonly unknown[]) => vi.fn<ListPage>(async () => ({ tools }))

it('knows of each tool what a call and its result need', async () => {
  const entry = await createToolCatalog({ ttlMs: 1_000 }).tools(a, counted(regional, listing))
  expect(entry.find('regional')).toEqual({
    declarations: [{ path: ['region'], header: 'Mcp-Param-Region', type: 'string' }],
    wraps: false,
    isRetrySafe: false,
  })
  expect(entry.find('listing')).toMatchObject({ declarations: [], wraps: true })
  expect(entry.find('constructor')).toBeUndefined()
})

it.each([
  [{ readOnlyHint: true }, true],
  [{ idempotentHint: true }, true],
  [{ readOnlyHint: false, idempotentHint: 'true' }, false],
  [undefined, false],
])('takes %j for a tool that may be repeated: %s', async (annotations, expected) => {
  const entry = await createToolCatalog({ ttlMs: 1_000 }).tools(a, () =>
    Promise.resolve({ tools: [{ name: 't', inputSchema: {}, annotations }] }),
  )
  expect(entry.find('t')?.isRetrySafe).toBe(expected)
})

it('passes over what is no tool', async () => {
  const entry = await createToolCatalog({ ttlMs: 1_000 }).tools(a, counted(null, {}, 1, regional))
  expect(entry.find('regional')).toBeDefined()
  const empty = createToolCatalog({ ttlMs: 1_000 }).tools(a, async () => ({ tools: 'none' }))
  expect((await empty).find('regional')).toBeUndefined()
})

it('reads all pages', async () => {
  const pages = new Map<string | undefined, object>([
    [undefined, { tools: [regional], nextCursor: '2' }],
    ['2', { tools: [], nextCursor: '3' }],
    ['3', { tools: [listing], nextCursor: '' }],
  ])
  const entry = await createToolCatalog({ ttlMs: 1_000 }).tools(a, async (cursor) => ({
    ...pages.get(cursor),
  }))
  expect(entry.find('regional')).toBeDefined()
  expect(entry.find('listing')).toBeDefined()
})

it('stops at the first cursor that comes again, and warns of it once', async () => {
  const list = vi.fn<ListPage>(async () => ({ tools: [regional], nextCursor: 'more' }))
  const onRepeat = vi.fn()
  const catalog = createToolCatalog({ ttlMs: 1_000, onRepeat })
  const entry = await catalog.tools(a, list)
  expect(entry.find('regional')).toBeDefined()
  expect(list).toHaveBeenCalledTimes(2)
  catalog.forget(a.name)
  await catalog.tools(a, list)
  expect(onRepeat.mock.calls).toEqual([[a.name]])
})

it('stops with a server that always names another page', async () => {
  let page = 0
  const list = vi.fn<ListPage>(async () => ({ tools: [regional], nextCursor: `${page++}` }))
  await createToolCatalog({ ttlMs: 1_000 }).tools(a, list)
  expect(list).toHaveBeenCalledTimes(50)
})

it('keeps one call waiting for a silent server, no other, and uses the list once it comes', async () => {
  const catalog = createToolCatalog({ ttlMs: 1_000 })
  let answer: (page: { tools: unknown[] }) => void = () => undefined
  const silent = vi.fn<ListPage>(() => new Promise((resolve) => (answer = resolve)))
  const from = performance.now()
  await expect(catalog.tools(a, silent)).rejects.toThrow('in time')
  expect(performance.now() - from).toBeLessThan(4_000)
  const next = performance.now()
  await expect(catalog.tools(a, silent)).rejects.toThrow('in time')
  expect(performance.now() - next).toBeLessThan(500)
  expect(silent).toHaveBeenCalledTimes(1)
  answer({ tools: [regional] })
  await expect.poll(() => catalog.known(a)).toBeDefined()
  expect((await catalog.tools(a, silent)).find('regional')).toBeDefined()
})

it('asks once for all who come meanwhile, and each server by itself', async () => {
  const catalog = createToolCatalog({ ttlMs: 1_000 })
  const list = counted(regional)
  const [one, two] = await Promise.all([catalog.tools(a, list), catalog.tools(a, list)])
  expect(list).toHaveBeenCalledTimes(1)
  expect(two).toBe(one)
  expect((await catalog.tools(b, counted(listing))).find('regional')).toBeUndefined()
})

it('asks again after its time', async () => {
  const catalog = createToolCatalog({ ttlMs: 1_000 })
  const list = counted(regional)
  await catalog.tools(a, list)
  vi.setSystemTime(Date.now() + 999)
  await catalog.tools(a, list)
  expect(list).toHaveBeenCalledTimes(1)
  vi.setSystemTime(Date.now() + 1)
  await catalog.tools(a, list)
  expect(list).toHaveBeenCalledTimes(2)
})

it('asks again after it was told to forget, and does not bring back what was under way', async () => {
  const catalog = createToolCatalog({ ttlMs: 1_000 })
  const stale = catalog.tools(a, counted(regional))
  catalog.forget(a.name)
  const fresh = catalog.tools(a, counted(listing))
  await Promise.all([stale, fresh])
  expect((await catalog.tools(a, counted())).find('listing')).toBeDefined()
})

it('keeps no failure, and a late one takes nothing from its successor', async () => {
  const catalog = createToolCatalog({ ttlMs: 1_000 })
  const failing = catalog.tools(a, () => Promise.reject(new Error('gone')))
  catalog.forget(a.name)
  const list = counted(regional)
  const next = catalog.tools(a, list)
  await expect(failing).rejects.toThrow('gone')
  await next
  expect(await catalog.tools(a, list)).toBe(await next)
  catalog.forget(a.name)
  await expect(catalog.tools(a, () => Promise.reject(new Error('again')))).rejects.toThrow()
  expect((await catalog.tools(a, list)).find('regional')).toBeDefined()
})

it('takes what was listed before for a list that cannot be had, and asks again soon', async () => {
  const catalog = createToolCatalog({ ttlMs: 1_000 })
  const first = await catalog.tools(a, counted(regional))
  vi.advanceTimersByTime(1_001)
  expect(catalog.known(a)).toBeUndefined()
  const gone = vi.fn<ListPage>(() => Promise.reject(new Error('gone')))
  const asked = catalog.tools(a, gone)
  expect(catalog.known(a)).toBe(first)
  expect(await asked).toBe(first)
  expect(await catalog.tools(a, gone)).toBe(first)
  expect(gone).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(2_001)
  expect((await catalog.tools(a, counted(listing))).find('regional')).toBeUndefined()
})
