import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { scanMessage } from '@mcp-router/protocol'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openStdioUpstream } from './upstream.js'
import { aRequest, backendOf, nodeEndpoint } from '../testing/backend.js'
import { createEvents, createHeard } from '../testing/listener.js'

/** Reads lines, answers requests with `result(message, line)`. */
const answering = (result: string): string => `
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const message = JSON.parse(line)
    if (message.id === undefined) return
    const result = ${result}
    process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }) + '\\n')
  })`

const open = async (
  script: string,
  change: Parameters<typeof nodeEndpoint>[1] = {},
  env: Record<string, string> = {},
) => {
  const endpoint = nodeEndpoint(script, change)
  const [heard, events] = [createHeard(), createEvents()]
  const backend = backendOf(endpoint)
  const upstream = await openStdioUpstream({ endpoint, backend, listener: heard, events, env })
  onTestFinished(() => upstream.close())
  return { heard, events, upstream }
}

const saidBy = (events: ReturnType<typeof createEvents>) =>
  events.all.flatMap((event) => (event.kind === 'stderr' ? [event.line] : []))

describe('a child', () => {
  it('answers, the id as it was', async () => {
    const { heard, upstream } = await open(answering('{ method: message.method }'))
    await upstream.send(aRequest('a', 'tools/list'))
    await upstream.send(aRequest(1, 'ping'))
    expect(await heard.next()).toEqual({
      jsonrpc: '2.0',
      id: 'a',
      result: { method: 'tools/list' },
    })
    expect(await heard.next()).toMatchObject({ id: 1 })
  })

  it('gets a pretty-printed message as one line', async () => {
    const { heard, upstream } = await open(answering('{ line }'))
    const text = '{\r\n  "jsonrpc": "2.0",\n  "id": 1,\n  "method": "ping"\n}'
    await upstream.send(scanMessage(Buffer.from(text)))
    const line = text.replace(/[\r\n]/g, ' ')
    expect(await heard.next()).toMatchObject({ result: { line } })
  })

  it('gets a megabyte in and out', async () => {
    const { heard, upstream } = await open(answering('message.params'))
    const params = { text: 'é'.repeat(1_000_000) }
    await upstream.send(aRequest(1, 'tools/call', params))
    expect(await heard.next()).toMatchObject({ result: params })
  })

  it('gets no big body that is not JSON, for it would never answer that', async () => {
    const { upstream } = await open(answering('{}'))
    const broken = `{"jsonrpc":"2.0","id":1,"method":"m","params":[${'1'.repeat(70_000)},,]}`
    const sending = upstream.send(scanMessage(Buffer.from(broken)))
    await expect(sending).rejects.toMatchObject({ code: 'PARSE_ERROR' })
  })

  it('is told which request is given up', async () => {
    const { heard, upstream } = await open(`
      process.stdin.once('data', (line) => {
        const result = { line: line.toString() }
        console.log(JSON.stringify({ jsonrpc: '2.0', id: 1, result }))
      })`)
    upstream.cancel('"a"')
    expect(await heard.next()).toMatchObject({
      result: { line: expect.stringContaining('"params":{"requestId":"a"}') },
    })
  })

  it('sees its own environment and a little of ours, no secrets', async () => {
    const env = { PATH: '/p', HOME: '/h', ACCESS_TOKEN: 'secret', NODE_OPTIONS: '' }
    const { heard, upstream } = await open(
      answering('{ ...process.env }'),
      { env: { MINE: 'm' } },
      env,
    )
    await upstream.send(aRequest(1))
    expect(await heard.next()).toMatchObject({ result: { PATH: '/p', HOME: '/h', MINE: 'm' } })
    expect(heard.messages[0]?.bytes.toString()).not.toMatch(/ACCESS_TOKEN|NODE_OPTIONS/)
  })

  it('runs where it is told to', async () => {
    const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-stdio-')))
    onTestFinished(() => rmSync(cwd, { recursive: true }))
    const { heard, upstream } = await open(answering('{ cwd: process.cwd() }'), { cwd })
    await upstream.send(aRequest(1))
    expect(await heard.next()).toMatchObject({ result: { cwd } })
  })
})

describe('what a child says aside', () => {
  it('on stderr becomes an event per line', async () => {
    const { events } = await open(`process.stderr.write('one\\ntwo\\n'); process.stdin.resume()`)
    await vi.waitUntil(() => saidBy(events).length === 2)
    expect(saidBy(events)).toEqual(['one', 'two'])
  })

  it('on stdout without being a message is reported, and what follows is heard', async () => {
    const { heard, events } = await open(`
      console.log('Server ready')
      console.log('{"level":"info"}')
      console.log('')
      console.log('{"jsonrpc":"2.0","method":"notifications/x"}')
      process.stdin.resume()`)
    expect(await heard.next()).toMatchObject({ method: 'notifications/x' })
    expect(saidBy(events)).toEqual([
      '(stdout, not JSON-RPC) Server ready',
      '(stdout, not JSON-RPC) {"level":"info"}',
    ])
  })
})

describe('a command', () => {
  it.each([
    ['is not there', { command: 'no-such-command-here' }],
    ['runs in a folder that is not there', { cwd: join(tmpdir(), 'no-such-folder-here') }],
  ])('that %s is NO_HEALTHY_ENDPOINT', async (_, change) => {
    await expect(open('', change)).rejects.toMatchObject({
      code: 'NO_HEALTHY_ENDPOINT',
      message: expect.stringContaining('ENOENT'),
    })
  })
})

describe('the end of a child', () => {
  it.each([
    ['exits', 'process.exit(3)', 'exited with 3'],
    ['is killed', "process.kill(process.pid, 'SIGKILL')", 'ended by SIGKILL'],
  ])('that %s is told with its cause', async (_, script, how) => {
    const { heard, events, upstream } = await open(script)
    expect(await heard.closed).toMatchObject({
      code: 'UPSTREAM_FAILED',
      message: expect.stringContaining(how),
    })
    expect(events.all.at(-1)).toMatchObject({ kind: 'upstream', action: 'lost', reason: how })
    // What can no longer be written was never executed: it may be sent elsewhere.
    const refused = { code: 'NO_HEALTHY_ENDPOINT' }
    await expect(upstream.send(aRequest(1))).rejects.toMatchObject(refused)
    await upstream.close()
    expect(heard.closings()).toBe(1)
  })

  it('by close is told without a cause, once', async () => {
    const { heard, events, upstream } = await open(answering('{}'))
    await Promise.all([upstream.close(), upstream.close()])
    expect(await heard.closed).toBeUndefined()
    expect(heard.closings()).toBe(1)
    const actions = events.all.map((event) => ('action' in event ? event.action : event.kind))
    expect(actions).toEqual(['opened', 'closed'])
  })
})
