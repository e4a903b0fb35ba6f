import {
  CallToolResultSchema,
  EmptyResultSchema,
  ListToolsResultSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, it } from 'vitest'
import { legacyResult, modernResult } from './results.js'

const serverInfoKey = 'io.modelcontextprotocol/serverInfo'
const serverInfo = { name: 's', version: '1' }
const cache = { ttlMs: 5_000, cacheScope: 'private' } as const
const latest = { revision: '2025-11-25' }
const inputSchema = { type: 'object' }
const link = { type: 'resource_link', uri: 'file:///a', name: 'a' }
const audio = { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' }

describe('modernResult', () => {
  it.each([
    'server/discover',
    'tools/list',
    'prompts/list',
    'resources/list',
    'resources/templates/list',
    'resources/read',
  ])('says how long a result of %s may be kept', (method) => {
    expect(modernResult(method, { x: 1 }, cache, undefined)).toEqual({
      x: 1,
      resultType: 'complete',
      ttlMs: 5_000,
      cacheScope: 'private',
    })
  })

  it.each(['prompts/get', 'completion/complete', 'other/method'])(
    'says only that a result of %s is complete',
    (method) => {
      expect(modernResult(method, { x: 1 }, cache, undefined)).toEqual({
        x: 1,
        resultType: 'complete',
      })
    },
  )

  it('says who answers, beside what stood in _meta', () => {
    const result = { _meta: { 'example.com/x': 1 } }
    expect(modernResult('prompts/get', result, cache, serverInfo)._meta).toEqual({
      'example.com/x': 1,
      [serverInfoKey]: serverInfo,
    })
    expect(modernResult('prompts/get', result, cache, undefined)._meta).toEqual(result._meta)
  })

  it('is complete, whatever the server calls it', () => {
    const result = { resultType: 'input_required', content: [] }
    expect(modernResult('tools/call', result, cache, undefined).resultType).toBe('complete')
  })

  it('gives every call of a tool content', () => {
    const call = (result: object) => modernResult('tools/call', { ...result }, cache, undefined)
    expect(call({ structuredContent: {} })).toMatchObject({ content: [], structuredContent: {} })
    expect(call({ content: [link] }).content).toEqual([link])
  })

  it('lists no tool that must be run as a task, and of the others not that they could', () => {
    const result = {
      tools: [
        { name: 'a', inputSchema, execution: { taskSupport: 'optional' } },
        { name: 'b', inputSchema, execution: { taskSupport: 'required' } },
        { name: 'c', inputSchema, execution: { taskSupport: 'forbidden', other: 1 } },
        { name: 'd', inputSchema, unknown: 2 },
      ],
      nextCursor: 'n',
    }
    expect(modernResult('tools/list', result, cache, undefined)).toEqual({
      resultType: 'complete',
      ...cache,
      tools: [
        { name: 'a', inputSchema },
        { name: 'c', inputSchema, execution: { other: 1 } },
        { name: 'd', inputSchema, unknown: 2 },
      ],
      nextCursor: 'n',
    })
  })

  it('passes on a list that is none', () => {
    expect(modernResult('tools/list', { tools: 'x' }, cache, undefined).tools).toBe('x')
    expect(modernResult('tools/list', { tools: [1, null] }, cache, undefined).tools).toEqual([
      1,
      null,
    ])
  })
})

describe('legacyResult', () => {
  const envelope = { resultType: 'complete', ttlMs: 0, cacheScope: 'public' }

  it('takes off what only the modern era knows', () => {
    const _meta = { [serverInfoKey]: serverInfo, 'example.com/x': 1 }
    const result = { ...envelope, contents: [], other: 1, _meta }
    expect(legacyResult('resources/read', result, latest)).toEqual({
      contents: [],
      other: 1,
      _meta: { 'example.com/x': 1 },
    })
  })

  it('leaves nothing where a strict client expects nothing', () => {
    const result = legacyResult(
      'ping',
      { ...envelope, _meta: { [serverInfoKey]: serverInfo } },
      latest,
    )
    expect(result).toEqual({})
    expect(EmptyResultSchema.safeParse(result).success).toBe(true)
  })

  it('wraps the output schemas that a client with sessions cannot read', () => {
    const list = { type: 'array', items: { $ref: '#/$defs/a' }, $defs: { a: {} } }
    const object = { type: 'object', properties: { a: { $ref: '#/x' } } }
    const tools = [
      { name: 'a', inputSchema, outputSchema: list },
      { name: 'b', inputSchema, outputSchema: object, unknown: 1 },
      { name: 'c', inputSchema },
    ]
    expect(ListToolsResultSchema.safeParse({ tools }).success).toBe(false)
    const result = legacyResult('tools/list', { ...envelope, tools, nextCursor: 'n' }, latest)
    expect(ListToolsResultSchema.safeParse(result).success).toBe(true)
    expect(result).toEqual({
      tools: [
        {
          name: 'a',
          inputSchema,
          outputSchema: {
            type: 'object',
            properties: { result: { ...list, items: { $ref: '#/properties/result/$defs/a' } } },
            required: ['result'],
          },
        },
        ...tools.slice(1),
      ],
      nextCursor: 'n',
    })
  })

  it('lists no tool whose parameter headers are declared badly', () => {
    const declaring = (name: string) => ({
      type: 'object',
      properties: { a: { type: 'string', 'x-mcp-header': name } },
    })
    const tools = [
      { name: 'good', inputSchema: declaring('A') },
      { name: 'bad', inputSchema: declaring('a b') },
    ]
    expect(legacyResult('tools/list', { tools }, latest)).toEqual({ tools: tools.slice(0, 1) })
  })

  it.each([[[1]], ['text'], [0], [false], [null]])(
    'wraps structured content that is no object: %j',
    (structuredContent) => {
      const result = legacyResult(
        'tools/call',
        { ...envelope, content: [], structuredContent },
        latest,
      )
      expect(result).toEqual({ content: [], structuredContent: { result: structuredContent } })
      expect(CallToolResultSchema.safeParse(result).success).toBe(true)
    },
  )

  it('wraps an object only where the schema of the tool was wrapped', () => {
    const call = { content: [], structuredContent: { a: 1 } }
    expect(legacyResult('tools/call', call, latest)).toEqual(call)
    expect(legacyResult('tools/call', call, { ...latest, wraps: false })).toEqual(call)
    expect(legacyResult('tools/call', call, { ...latest, wraps: true })).toEqual({
      content: [],
      structuredContent: { result: { a: 1 } },
    })
  })

  it('adds no structured content to a call that has none', () => {
    const failed = { content: [{ type: 'text', text: 'no' }], isError: true }
    expect(legacyResult('tools/call', failed, { ...latest, wraps: true })).toEqual(failed)
  })

  it('puts content into words that a revision does not know', () => {
    const told = (revision: string) => {
      const call = legacyResult('tools/call', { content: [link, audio] }, { revision })
      const messages = [
        { role: 'user', content: link },
        { role: 'assistant', content: audio },
      ]
      const prompt = legacyResult('prompts/get', { messages, description: 'd' }, { revision })
      expect(prompt).toMatchObject({ description: 'd', messages: [{ role: 'user' }, {}] })
      const ofPrompt = (prompt.messages as typeof messages).map(({ content }) => content.type)
      expect((call.content as (typeof link)[]).map(({ type }) => type)).toEqual(ofPrompt)
      return ofPrompt
    }
    expect(told('2024-11-05')).toEqual(['text', 'text'])
    expect(told('2025-03-26')).toEqual(['text', 'audio'])
    expect(told('2025-06-18')).toEqual(['resource_link', 'audio'])
  })

  it('survives shapes that are none', () => {
    for (const method of ['tools/list', 'tools/call', 'prompts/get']) {
      for (const odd of ['x', null, {}, [null, 1, 'x']]) {
        const result = { tools: odd, content: odd, messages: odd }
        expect(legacyResult(method, result, { revision: '2024-11-05' })).toEqual(result)
      }
    }
  })

  it('gives back what modernResult was given', () => {
    const result = { content: [link], structuredContent: { a: 1 }, _meta: { x: 1 } }
    const there = modernResult('tools/call', result, cache, serverInfo)
    expect(legacyResult('tools/call', there, latest)).toEqual(result)
  })
})
