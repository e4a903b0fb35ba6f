import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMcpServer } from './mcp-server.js'

const capabilities = { elicitation: { form: {} }, sampling: {}, roots: {} }
let client: Client

const connect = async (options: ConstructorParameters<typeof Client>[1]): Promise<Client> => {
  const [near, far] = InMemoryTransport.createLinkedPair()
  const made = new Client({ name: 'test', version: '1' }, options)
  await Promise.all([createMcpServer().connect(far), made.connect(near)])
  return made
}

const call = async (name: string, args: Record<string, unknown> = {}): Promise<string> => {
  const result = await client.callTool({ name, arguments: args })
  return (result.content as { text: string }[])[0]!.text
}

beforeEach(async () => {
  client = await connect({ capabilities })
})
afterEach(() => client.close())

describe('the server', () => {
  it('answers the plain tools', async () => {
    expect(await call('echo', { text: 'hi' })).toBe('hi')
    const sum = await client.callTool({ name: 'add', arguments: { a: 2, b: 3 } })
    expect(sum.structuredContent).toEqual({ sum: 5 })
    expect(await call('get_weather', { city: 'Oslo' })).toBe(
      await call('get_weather', { city: 'oslo' }).then((text) => text.replace('oslo', 'Oslo')),
    )
  })

  it('marks what changes nothing as read-only', async () => {
    const { tools } = await client.listTools()
    const readOnly = tools.filter((tool) => tool.annotations?.readOnlyHint).map(({ name }) => name)
    expect(readOnly).toEqual(['echo', 'add', 'get_weather', 'slow'])
  })

  it('reports progress while it is slow', async () => {
    const seen: number[] = []
    await client.callTool({ name: 'slow', arguments: { seconds: 0, steps: 3 } }, undefined, {
      onprogress: ({ progress }) => seen.push(progress),
    })
    expect(seen).toEqual([1, 2, 3])
  })

  it('asks the user, the model and the roots of the client', async () => {
    client.setRequestHandler(ElicitRequestSchema, () => ({
      action: 'accept',
      content: { answer: 'Ada' },
    }))
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      role: 'assistant',
      model: 'none',
      content: { type: 'text', text: 'short' },
    }))
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///a' }] }))
    expect(await call('ask_user')).toBe('accepted: Ada')
    expect(await call('summarize', { text: 'long' })).toBe('short')
    expect(await call('list_roots')).toBe('file:///a')
  })

  it('says so when the client cannot be asked', async () => {
    await client.close()
    client = await connect({})
    const results = await Promise.all(
      ['ask_user', 'summarize', 'list_roots'].map((name) =>
        client.callTool({ name, arguments: { text: 'x' } }),
      ),
    )
    expect(results.map(({ isError }) => isError)).toEqual([true, true, true])
  })

  it('keeps the level of logging that the client set', async () => {
    const heard: unknown[] = []
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
      heard.push(params.data)
    })
    await client.setLoggingLevel('warning')
    await call('log', { message: 'quiet', level: 'info' })
    await call('log', { message: 'loud', level: 'error' })
    expect(heard).toEqual(['loud'])
  })

  it('tells subscribers of a note that changed', async () => {
    const heard: string[] = []
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      heard.push(params.uri)
    })
    await client.subscribeResource({ uri: 'note://todo' })
    await call('write_note', { name: 'todo', text: 'rest' })
    const { contents } = await client.readResource({ uri: 'note://todo' })
    expect(contents[0]).toMatchObject({ text: 'rest' })
    expect(heard).toEqual(['note://todo'])
    const { resources } = await client.listResources()
    expect(resources.map(({ uri }) => uri).sort()).toEqual([
      'about://server',
      'note://todo',
      'note://welcome',
    ])
  })

  it('completes the argument of its prompt', async () => {
    const { completion } = await client.complete({
      ref: { type: 'ref/prompt', name: 'greeting' },
      argument: { name: 'tone', value: 'f' },
    })
    expect(completion.values).toEqual(['formal', 'friendly'])
  })
})
