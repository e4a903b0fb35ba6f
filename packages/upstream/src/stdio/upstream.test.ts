import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { scanMessage } from '@mcp-router/protocol'
import {
  aRequest,
  backendOf,
  createEvents,
  createHeard,
  nodeEndpoint,
} from '@mcp-router/testkit/upstream'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openStdioUpstream } from './upstream.js'

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
  maxLineBytes = 10_000_000,
) => {
  const endpoint = nodeEndpoint(script, change)
  const [heard, events] = [createHeard(), createEvents()]
  const backend = backendOf(endpoint)
  const options = { endpoint, backend, listener: heard, events, env, maxLineBytes }
  const upstream = await openStdioUpstream(options)
  onTestFinished(() => upstream.close())
  return { heard, events, upstream }
}

const saidBy = (events: ReturnType<typeof createEvents>) =>
  events.all.flatMap((event) => (event.kind === 'stderr' ? [event.line] : []))

const turnsOf = (events: ReturnType<typeof createEvents>) =>
  events.all.flatMap((event) => (event.kind === 'upstream' ? [[event.action, event.reason]] : []))

describe('a child', () => {
  it('is ended when it floods its output with what is no JSON-RPC, and little of that is logged', async () => {
    const startedAt = Date.now()
    const { heard, events } = await open(`
      const junk = 'x\\n'.repeat(50_000)
      const write = () => process.stdout.write(junk, write)
      write()`)
    expect(await heard.closed).toBeInstanceOf(Error)
    // 50 lines of each second that began, and how many were left out.
    const seconds = Math.floor(Date.now() / 1_000) - Math.floor(startedAt / 1_000) + 1
    expect(saidBy(events).length).toBeLessThanOrEqual(51 * seconds + 1)
    expect(saidBy(events)).toContainEqual(expect.stringContaining('20000 lines in 10 s'))
  })

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

  it('is heard in spite of what stands before or behind a message', async () => {
    const { heard } = await open(`
      const answer = (id) => JSON.stringify({ jsonrpc: '2.0', id, result: {} })
      process.stdout.write('\\ufeff' + answer(1) + '\\n')
      process.stdout.write('INFO {"level":"info"} ' + answer(2) + ' done\\n' + answer(3) + answer(4) + '\\n')`)
    for (const id of [1, 2, 3, 4]) expect(await heard.next()).toMatchObject({ id, result: {} })
  })

  it('fails the call of an answer that cannot be read, and no other', async () => {
    const maxLineBytes = 100_000
    const script = `
      process.stdout.write('{"jsonrpc":"2.0","id":"a","result":{"text":"INFO: glued\\n')
      process.stdout.write('{"jsonrpc":"2.0","id":"b","result":"' + 'x'.repeat(300_000) + '"}\\n')
      process.stdout.write('{"jsonrpc":"2.0","id":"c","result":{}}\\n')`
    const { heard } = await open(script, {}, {}, maxLineBytes)
    expect(await heard.next()).toMatchObject({ id: 'a', error: { code: -31502 } })
    expect(await heard.next()).toMatchObject({ id: 'b', error: { code: -31502 } })
    expect(await heard.next()).toMatchObject({ id: 'c', result: {} })
  })

  it('on stderr without end is cut, and ends nothing', async () => {
    const { events, heard, upstream } = await open(`
      const chunk = Buffer.alloc(1 << 20, 'x')
      let left = 64
      const more = () => (left-- > 0 ? process.stderr.write(chunk, more) : process.stderr.write('\\nnext\\n'))
      more()
      ${answering('{}')}`)
    await vi.waitUntil(() => saidBy(events).length === 2, 10_000)
    expect(saidBy(events)).toEqual([`${'x'.repeat(2_000)} (cut)`, 'next'])
    await upstream.send(aRequest(1))
    expect(await heard.next()).toMatchObject({ id: 1 })
  })

  it('is told without the values that its server is configured with', async () => {
    const env = { TOKEN: 'tok-123456' }
    const script = `
      console.error('bad token ' + process.env.TOKEN)
      console.log('stdout ' + process.env.TOKEN)
      process.stdin.resume()`
    const { events, upstream } = await open(script, { env })
    await vi.waitUntil(() => saidBy(events).length === 2, 10_000)
    expect(saidBy(events).sort()).toEqual(['(stdout, not JSON-RPC) stdout ***', 'bad token ***'])
    expect(upstream.lastWords?.()).toBe('bad token ***')
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
    ['is not there', { command: '/nowhere/no-such-command' }, '"no-such-command" is not installed'],
    ['has a path of its own', { command: './bin/lacking' }, '"./bin/lacking" is not installed'],
    [
      'has a home that no shell expands',
      { command: '~/bin/lacking' },
      'its command "~/bin/lacking" is not installed: "~" is not expanded, write ${HOME}',
    ],
    ['is a whole line', { command: 'npx -y @a/no-such' }, '"npx …" is not installed'],
    [
      'runs in a folder that is not there',
      { cwd: join(tmpdir(), 'no-such-folder-here') },
      'the "cwd" of its command "node" does not exist',
    ],
  ])('that %s is for the operator to correct', async (_, change, reason) => {
    const opening = open('', change)
    await expect(opening).rejects.toMatchObject({
      code: 'BACKEND_MISCONFIGURED',
      message: expect.stringContaining(reason) as string,
    })
    await expect(opening).rejects.not.toThrow('/no')
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
    expect(turnsOf(events)).toEqual([['refused', how]])
    // What can no longer be written was never executed: it may be sent elsewhere.
    const refused = { code: 'NO_HEALTHY_ENDPOINT' }
    await expect(upstream.send(aRequest(1))).rejects.toMatchObject(refused)
    await upstream.close()
    expect(heard.closings()).toBe(1)
  })

  it('is a loss only once it had answered its handshake', async () => {
    const { heard, events, upstream } = await open(`
      ${answering('{}')}
      process.stdin.on('end', () => process.exit(3))
      process.on('SIGUSR2', () => process.exit(3))
      console.log('{"jsonrpc":"2.0","method":"notifications/x"}')`)
    await heard.next()
    expect(turnsOf(events)).toEqual([])
    await upstream.send(aRequest(1, 'initialize'))
    await heard.next()
    const [[action, reason] = []] = turnsOf(events)
    expect([action, reason]).toEqual(['opened', expect.stringMatching(/^pid \d+$/)])
    process.kill(Number(reason?.slice(4)), 'SIGUSR2')
    await heard.closed
    expect(turnsOf(events).slice(1)).toEqual([['lost', 'exited with 3']])
  })

  it('by the router is told with what it did', async () => {
    const { heard } = await open(`
      const lines = 'x\\n'.repeat(50_000)
      const more = () => process.stdout.write(lines, more)
      more()
      process.stdin.on('end', () => process.exit(0)).resume()`)
    expect(await heard.closed).toMatchObject({
      code: 'UPSTREAM_FAILED',
      message: expect.stringContaining(
        'ended by the router because it wrote more than 20000 lines',
      ),
    })
  })

  it('by close is told without a cause, once', async () => {
    const { heard, events, upstream } = await open(answering('{}'))
    await upstream.send(aRequest(1, 'initialize'))
    await heard.next()
    await Promise.all([upstream.close(), upstream.close()])
    expect(await heard.closed).toBeUndefined()
    expect(heard.closings()).toBe(1)
    expect(turnsOf(events).map(([action]) => action)).toEqual(['opened', 'closed'])
  })
})
