import { expect, it, vi } from 'vitest'
import { askLists } from './ask-lists.js'

const tools = 'notifications/tools/list_changed'
const resources = 'notifications/resources/list_changed'
type Json = Readonly<Record<string, unknown>>

const capabilities = { tools: { listChanged: true }, resources: { listChanged: true } }

/** A server that lists these tools, two to a page, and these resources. */
const serverOf = (names: readonly string[], uris: readonly string[] = []) =>
  vi.fn((method: string, { cursor }: Json): Promise<Json | undefined> => {
    if (method === 'resources/list')
      return Promise.resolve({ resources: uris.map((uri) => ({ uri })) })
    if (method !== 'tools/list') return Promise.resolve(undefined)
    const from = Number(cursor ?? 0)
    const page = names.slice(from, from + 2).map((name) => ({ name }))
    const nextCursor = from + 2 < names.length ? { nextCursor: String(from + 2) } : {}
    return Promise.resolve({ tools: page, ...nextCursor })
  })

const look = (
  server: ReturnType<typeof serverOf>,
  known: readonly (typeof tools)[] = [],
  offered: Json = capabilities,
) => askLists({ capabilities: offered }, server)(known)

it('tells lists apart by all their pages, and not by their order', async () => {
  const first = await look(serverOf(['a', 'b', 'c'], ['x:1']))
  expect([...first.keys()]).toEqual([tools, resources])
  expect(await look(serverOf(['c', 'a', 'b'], ['x:1']))).toEqual(first)
  const other = await look(serverOf(['a', 'b', 'd'], ['x:1']))
  expect(other.get(tools)).not.toBe(first.get(tools))
  expect(other.get(resources)).toBe(first.get(resources))
})

it('asks for no list that the server does not announce to tell of, unless it was known before', async () => {
  const server = serverOf(['a'])
  expect(await look(server, [], { tools: {}, resources: {} })).toEqual(new Map())
  expect(server).not.toHaveBeenCalled()
  expect([...(await look(server, [tools], { tools: {} })).keys()]).toEqual([tools])
  expect(await look(server, [tools], {})).toEqual(new Map())
})

it('rejects where the server cannot be asked', async () => {
  const server = serverOf(['a']).mockRejectedValue(new Error('gone'))
  await expect(look(server)).rejects.toThrow('gone')
})

it.each([
  ['the same next page', () => 'more', 2],
  ['another next page', (page: number) => `${page}`, 50],
])('stops with a server that always names %s', async (_, cursorAt, asked) => {
  let page = 0
  const endless = vi.fn(() => Promise.resolve({ tools: [], nextCursor: cursorAt(page++) }))
  await askLists({ capabilities: { tools: { listChanged: true } } }, endless)([])
  expect(endless).toHaveBeenCalledTimes(asked)
})
