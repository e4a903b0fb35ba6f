import type { RouterEvent } from '@mcp-router/core'
import {
  answerJson,
  beginEvents,
  deadOrigin,
  echo,
  frame,
  openEndpoint,
  openHttp,
} from '@mcp-router/testkit/server'
import {
  aRequest,
  ask,
  backendOf,
  httpEndpoint,
  nodeEndpoint,
  openPool,
  sseEndpoint,
} from '@mcp-router/testkit/upstream'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { SessionLost } from '../upstream.js'

/** A stdio server: answers initialize and echoes params; `hang` is never answered, `die` ends it. */
const script = `
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line)
    if (method === 'die') process.exit(1)
    if (id === undefined || method === 'hang') return
    const result = method === 'initialize' ? { pid: process.pid } : params
    console.log(JSON.stringify({ jsonrpc: '2.0', id, result }))
  })`

afterEach(() => vi.useRealTimers())

/** How many Upstreams are open, by what was told. */
const balance = (events: readonly RouterEvent[]): number =>
  events
    .flatMap((event) => (event.kind === 'upstream' ? [event.action] : []))
    .reduce(
      (open, action) => open + { opened: 1, closed: -1, lost: -1, refused: 0, skipped: 0 }[action],
      0,
    )

describe('opening', () => {
  it('is done once for all who come meanwhile, and kept', async () => {
    const server = await openEndpoint(echo)
    const endpoint = httpEndpoint(`${server.origin}/mcp`)
    const { pool, open } = openPool()
    expect(pool.find(endpoint)).toBeUndefined()
    const [first, second] = await Promise.all([open(endpoint), open(endpoint)])
    expect(second).toBe(first)
    expect([await open(endpoint), pool.find(endpoint)]).toEqual([first, first])
    expect(server.methods()).toEqual(['initialize', 'notifications/initialized'])
    expect(first.handshake.result).toMatchObject({ serverInfo: { name: 's-1' } })
  })

  it('is done for each endpoint', async () => {
    const server = await openEndpoint(echo)
    const { pool, open } = openPool()
    await open(httpEndpoint(`${server.origin}/a`))
    await open(httpEndpoint(`${server.origin}/b`))
    expect(pool.size()).toBe(2)
  })

  it('is not disturbed by a server that asks before it is done', async () => {
    const ping = frame({ jsonrpc: '2.0', id: 'early', method: 'ping' })
    const server = await openHttp((asked) => {
      if (asked.method === 'GET') {
        beginEvents(asked)
        asked.res.write(`event: endpoint\ndata: /m\n\n${ping}`)
        return
      }
      asked.res.writeHead(202).end()
      const { id } = asked.message
      if (id !== undefined) server.asked[0]!.res.write(frame({ jsonrpc: '2.0', id, result: {} }))
    })
    const shared = await openPool().open(sseEndpoint(server.origin))
    expect(await ask(shared, aRequest(1))).toContain('"id":1')
  })

  it('that fails is told, forgotten, and tried anew', async () => {
    const endpoint = httpEndpoint(await deadOrigin())
    const { pool, events, open } = openPool()
    await expect(open(endpoint)).rejects.toMatchObject({ code: 'NO_HEALTHY_ENDPOINT' })
    await expect(open(endpoint)).rejects.toMatchObject({ code: 'NO_HEALTHY_ENDPOINT' })
    expect(pool.size()).toBe(0)
    const actions = events.all.map((event) => event.kind === 'upstream' && event.action)
    expect(actions).toEqual(['refused', 'refused'])
    expect(balance(events.all)).toBe(0)
  })

  it('names the endpoint once in the reason why it failed', async () => {
    const { open, events } = openPool()
    await expect(open(sseEndpoint(await deadOrigin()))).rejects.toThrow()
    const reasons = events.all.map((event) => event.kind === 'upstream' && event.reason)
    expect(reasons).toEqual([expect.stringMatching(/^opening \S+: connect ECONNREFUSED/)])
  })

  it('fails where the server refuses to initialize', async () => {
    const server = await openHttp((asked) =>
      answerJson(asked, {
        jsonrpc: '2.0',
        id: asked.message.id,
        error: { code: 1, message: 'no' },
      }),
    )
    const { open } = openPool()
    await expect(open(httpEndpoint(server.origin))).rejects.toThrow('initialize was refused')
  })

  it('fails where the child ends before it answers', async () => {
    const { pool, open } = openPool()
    // Of one that ended before the message was written it is not known how.
    const how = /exited with 4|the process is gone/
    await expect(open(nodeEndpoint('process.exit(4)'))).rejects.toThrow(how)
    expect(pool.size()).toBe(0)
  })

  it.each([
    [`console.error('KEY is missing'); process.exit(2)`, 'exited with 2; stderr: KEY is missing'],
    [`process.kill(process.pid, 'SIGKILL')`, 'was ended by SIGKILL'],
  ])('says what to check of a command that ends (%s)', async (act, how) => {
    // Behind the message: one that ends before it was written is known to be gone, and not how.
    const script = `process.stdin.once('data', () => { ${act} })`
    await expect(openPool().open(nodeEndpoint(script))).rejects.toMatchObject({
      code: 'NO_HEALTHY_ENDPOINT',
      message: expect.stringMatching(`\\(its command ${how}\\); check its args and env$`),
    })
  })
})

describe('a session that the server forgot', () => {
  it('is lost to its calls, and opened anew after it was dropped', async () => {
    const server = await openEndpoint(echo)
    const endpoint = httpEndpoint(server.origin)
    const { pool, open } = openPool()
    const first = await open(endpoint)
    server.forget()
    await expect(ask(first, aRequest(1))).rejects.toBeInstanceOf(SessionLost)
    pool.drop(endpoint, first)
    const second = await open(endpoint)
    expect(second).not.toBe(first)
    expect(await ask(second, aRequest(1, 'm', { n: 1 }))).toContain('"result":{"n":1}')
  })

  it('is not dropped in place of its successor', async () => {
    const server = await openEndpoint(echo)
    const endpoint = httpEndpoint(server.origin)
    const { pool, open } = openPool()
    const first = await open(endpoint)
    pool.drop(endpoint, first)
    const second = await open(endpoint)
    pool.drop(endpoint, first)
    expect(pool.find(endpoint)).toBe(second)
  })

  it('leaves its other calls to their own answers', async () => {
    const server = await openEndpoint((asked) => {
      if (asked.message.method !== 'slow') echo(asked)
    })
    const endpoint = httpEndpoint(server.origin)
    const { pool, open } = openPool()
    const first = await open(endpoint)
    const slow = ask(first, aRequest(1, 'slow', { n: 1 }))
    await vi.waitUntil(() => server.methods().includes('slow'))
    server.forget()
    await expect(ask(first, aRequest(2))).rejects.toBeInstanceOf(SessionLost)
    pool.drop(endpoint, first)
    await open(endpoint)
    echo(server.asked.find(({ message }) => message.method === 'slow')!)
    expect(await slow).toContain('"result":{"n":1}')
  })

  it('is closed once its last call is over', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const server = await openEndpoint(() => undefined)
    const endpoint = httpEndpoint(server.origin)
    const { pool, events, open } = openPool()
    const first = await open(endpoint)
    const slow = ask(first, aRequest(1, 'slow'))
    await vi.waitUntil(() => server.methods().includes('slow'))
    pool.drop(endpoint, first)
    await open(endpoint)
    vi.advanceTimersByTime(10_000)
    expect(balance(events.all)).toBe(2)
    echo(server.asked.find(({ message }) => message.method === 'slow')!)
    await slow
    vi.advanceTimersByTime(10_000)
    await vi.waitUntil(() => balance(events.all) === 1)
  })
})

describe('a child', () => {
  it('that dies rejects its calls and is started anew', async () => {
    const endpoint = nodeEndpoint(script)
    const { pool, open } = openPool()
    const first = await open(endpoint)
    const calls = [ask(first, aRequest(1, 'hang')), ask(first, aRequest(2, 'die'))]
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' })
    expect(pool.find(endpoint)).toBeUndefined()
    const second = await open(endpoint)
    expect(second.handshake.result['pid']).not.toBe(first.handshake.result['pid'])
  })

  it('that nobody calls is ended, not one that is busy', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
    const [idle, busy] = [
      nodeEndpoint(script, { id: 'stdio:idle#1' as never }),
      nodeEndpoint(script, { id: 'stdio:busy#1' as never }),
    ]
    const { pool, events, open } = openPool(1_000)
    const backend = backendOf(idle, busy)
    await open(idle, backend)
    const hanging = ask(await open(busy, backend), aRequest(1, 'hang'))
    hanging.catch(() => undefined)
    vi.advanceTimersByTime(10_000)
    expect([pool.find(idle), pool.find(busy)]).toEqual([undefined, expect.anything()])
    await vi.waitUntil(() =>
      events.all.some((each) => 'action' in each && each.action === 'closed'),
    )
  })

  it('that is called now and then lives on', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
    const endpoint = nodeEndpoint(script)
    const { pool, open } = openPool(8_000)
    const shared = await open(endpoint)
    for (let times = 0; times < 4; times++) {
      vi.advanceTimersByTime(5_000)
      expect(pool.find(endpoint)).toBe(shared)
    }
    vi.advanceTimersByTime(20_000)
    expect(pool.find(endpoint)).toBeUndefined()
  })
})

describe('closing', () => {
  it('ends every session and every child', async () => {
    const server = await openEndpoint(echo)
    const { pool, events, open } = openPool()
    await open(httpEndpoint(server.origin))
    await open(nodeEndpoint(script))
    await pool.close()
    expect(server.asked.at(-1)).toMatchObject({ method: 'DELETE' })
    expect(pool.size()).toBe(0)
    await vi.waitUntil(() => balance(events.all) === 0)
  })

  it('waits for what is just being opened', async () => {
    const server = await openEndpoint(echo)
    const { pool, open } = openPool()
    const opening = open(httpEndpoint(server.origin))
    await pool.close()
    await opening
    expect(server.asked.at(-1)?.method).toBe('DELETE')
  })
})
