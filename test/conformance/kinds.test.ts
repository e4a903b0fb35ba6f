import { until } from '@mcp-router/testkit/wait'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectToFixture } from './connect.js'
import type { Connected, Era } from './connect.js'
import type { FixtureKind } from './fixture.js'

// The suite speaks Streamable HTTP only: the official client shows that the fixture is the same server in every other way of serving it.

const kinds: readonly (readonly [FixtureKind, Era])[] = [
  ['http-stateful', 'legacy'],
  ['http-modern', 'modern'],
  ['http-dual', 'legacy'],
  ['http-dual', 'modern'],
  ['sse', 'legacy'],
  ['stdio-legacy', 'legacy'],
  ['stdio-modern', 'modern'],
]

const watched = 'test://watched-resource'

describe.each(kinds)('the fixture as %s, for a %s client', (kind, era) => {
  let connected: Connected | undefined
  beforeAll(async () => {
    connected = await connectToFixture(kind, era)
  })
  afterAll(() => connected?.close())
  const client = () => connected!.client

  it('lists what every other kind lists', async () => {
    const { tools } = await client().listTools()
    const { prompts } = await client().listPrompts()
    const { resources } = await client().listResources()
    expect(client().getProtocolEra()).toBe(era)
    expect([tools.length, prompts.length, resources.length]).toEqual([31, 5, 3])
  })

  it('asks for input in rounds', async () => {
    const call = (name: string) =>
      client().callTool({ name: `test_input_required_result_${name}`, arguments: {} })
    expect(await call('multi_round')).toMatchObject({
      content: [{ type: 'text', text: 'Favorite color: blue' }],
    })
    expect(await call('multiple_inputs')).toMatchObject({
      content: [{ type: 'text', text: 'Ada has 1 roots' }],
    })
  })

  it('reports progress', async () => {
    const onprogress = (): void => undefined
    await client().callTool({ name: 'test_tool_with_progress', arguments: {} }, { onprogress })
    const reports = connected!.heard.filter(({ method }) => method === 'notifications/progress')
    expect(reports.map(({ params }) => params?.progress)).toEqual([0, 50, 100])
  })

  it('tells of changes', async () => {
    if (era === 'legacy') await client().subscribeResource({ uri: watched })
    else await client().listen({ resourcesListChanged: true, resourceSubscriptions: [watched] })
    await client().callTool({ name: 'test_trigger_resource_change', arguments: {} })
    for (const method of [
      'notifications/resources/list_changed',
      'notifications/resources/updated',
    ])
      await until(method, () => connected!.heard.some((told) => told.method === method))
  })
})

describe('the fixture in the other era', () => {
  it.each([
    ['http-stateful', 'modern'],
    ['http-stateless', 'modern'],
    ['stdio-legacy', 'modern'],
    ['http-modern', 'legacy'],
    ['stdio-modern', 'legacy'],
  ] as const)('%s refuses a %s client', async (kind, era) => {
    await expect(connectToFixture(kind, era)).rejects.toThrow()
  })
})
