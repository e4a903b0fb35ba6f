import type { Endpoint, RouterEvent } from '@mcp-router/core'
import { backendOf, nodeEndpoint } from '@mcp-router/testkit/backend'
import {
  aRequest,
  ask,
  canAnswer,
  follow,
  initialize,
  jsonOf,
  modernClient,
} from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import type { TestGateway } from '@mcp-router/testkit/router'
import { openCommand, unknownMethod } from '@mcp-router/testkit/server'
import { useConcurrentTests } from '@mcp-router/testkit/test'
import { describe, expect, it } from 'vitest'

useConcurrentTests()

const tools = ['look', 'touch'].map((name) => ({
  name,
  annotations: { readOnlyHint: name === 'look' },
}))

/** A server with sessions: `tools/list` has `look`, which is read-only, and `touch`. */
const openLister = () =>
  openCommand({
    on: {
      'tools/list': ({ reply }) => reply({ tools }),
      'tools/call': ({ reply }) => reply({ content: [] }),
    },
    otherwise: unknownMethod,
  })

const open = async (endpoint: Endpoint, options = {}) => {
  const gateway = await openGateway({
    backends: [backendOf('local', [endpoint])],
    options,
  })
  return { gateway, url: `${gateway.url}/mcp/local` }
}

const opened = ({ kind, ...event }: RouterEvent): boolean =>
  kind === 'upstream' && 'action' in event && event.action === 'opened'

/** Processes that were started to serve calls. */
const started = ({ events }: TestGateway): number => events.filter(opened).length

describe.concurrent('a call at a command', () => {
  const call = (name: string) => aRequest(2, 'tools/call', { name })
  const again = { 'x-request-id': 'r-1' }

  it.each(['look', 'touch'])('starts no process to learn what the tool %s does', async (name) => {
    const { gateway, url } = await open((await openLister()).endpoint)
    const { headers } = await initialize(url)
    await ask(url, { headers, body: aRequest(1, 'tools/list') })
    const told = await ask(url, { headers: { ...headers, ...again }, body: call(name) })
    expect(told.status).toBe(200)
    expect(started(gateway)).toBe(1)
  })

  it('starts none either where its client has not listed the tools', async () => {
    const { gateway, url } = await open((await openLister()).endpoint)
    const { headers } = await initialize(url)
    const told = await ask(url, { headers: { ...headers, ...again }, body: call('touch') })
    expect(told.status).toBe(200)
    expect(started(gateway)).toBe(1)
  })

  it('of a modern client that can be asked runs in the one process', async () => {
    const { gateway, url } = await open((await openLister()).endpoint)
    const client = modernClient(url, { capabilities: canAnswer, headers: again })
    expect(await client.tool('touch')).toMatchObject({ result: { content: [] } })
    expect(started(gateway)).toBe(1)
  })
})

describe.concurrent('a session at a command that cannot be opened', () => {
  const env = { TOKEN: 'tok-123456' }
  const silent = {
    ...nodeEndpoint(`console.error('waiting for ' + process.env.TOKEN); process.stdin.resume()`),
    env,
  }
  const failing = {
    ...nodeEndpoint(
      `process.stderr.write('Error: no such package as ' + process.env.TOKEN + '\\n', () => process.exit(1))`,
    ),
    env,
  }

  it.each([
    [
      'keeps silent',
      silent,
      4_000,
      /within 4 s, the limit; stderr: waiting for \*\*\*\); nothing was called/,
    ],
    [
      'ends',
      failing,
      60_000,
      /exited with 1; stderr: Error: no such package as \*\*\*\); nothing was called/,
    ],
  ])('because it %s is told why, in time', async (_, endpoint, openTimeoutMs, text) => {
    const { url } = await open(endpoint, { openTimeoutMs })
    const { told } = await initialize(url)
    expect([told.status, jsonOf(told)]).toMatchObject([
      502,
      { id: 0, error: { code: -31502, message: expect.stringMatching(text) } },
    ])
  })

  it('is told on the stream of a client of 2024-11-05', async () => {
    const { gateway } = await open(silent, { openTimeoutMs: 300 })
    const events = await follow(`${gateway.url}/sse/local`)
    const address = gateway.url + (await events.next()).data.toString()
    const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'c' } }
    expect((await ask(address, { body: aRequest(0, 'initialize', params) })).status).toBe(202)
    const error = { code: -31502, message: expect.stringContaining('within 0.3 s, the limit') }
    expect(await events.message()).toMatchObject({ id: 0, error })
  })

  it.each([{}, canAnswer])('is told to a modern client that declares %o', async (capabilities) => {
    const { url } = await open(failing)
    const told = await modernClient(url, { capabilities }).send('tools/list')
    expect(jsonOf(told)).toMatchObject({
      error: {
        message: expect.stringMatching(/exited with 1; stderr: .*no such package as \*\*\*/),
      },
    })
  })
})
