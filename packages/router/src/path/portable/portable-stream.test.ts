import type { ServerResponse } from 'node:http'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, initialize } from '@mcp-router/testkit/client'
import type { Events } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { echo, openEndpoint } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const eventStream = { 'content-type': 'text/event-stream' }
const isClosed = ({ response }: Events): boolean => response.complete || response.destroyed
const progress = (progressToken?: number) => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken, progress: 1 },
})

/** A server that allows one stream of a session, besides the rest of a call's stream to whoever comes with `call-1`. */
const open = async () => {
  let own: ServerResponse | undefined
  const rests: ServerResponse[] = []
  const endpoint = await openEndpoint((asked) => {
    const { method, headers, res } = asked
    if (method !== 'GET') echo(asked)
    else if (headers['last-event-id'] === 'call-1') {
      rests.push(res)
      res.writeHead(200, eventStream).flushHeaders()
    } else if (own) res.writeHead(409).end()
    else {
      own = res
      res.on('close', () => (own = undefined))
      res.writeHead(200, eventStream).flushHeaders()
    }
  })
  const gateway = await openGateway({ backends: [backendOf('web', [httpEndpoint(endpoint.url)])] })
  const url = `${gateway.url}/mcp/web`
  const { headers } = await initialize(url)
  return {
    url,
    headers,
    resuming: { headers: { ...headers, 'last-event-id': 'call-1' } },
    rests,
    isOpen: () => own !== undefined,
    write: (text: string) => own?.write(text),
    say: (message: object) => own?.write(`data: ${JSON.stringify(message)}\n\n`),
  }
}

const answer = `data: ${JSON.stringify({ jsonrpc: '2.0', id: 7, result: {} })}\n\n`
const said = { jsonrpc: '2.0', method: 'notifications/said' }

it('a server that does not answer the GET of a client has its deadline for it', async () => {
  const endpoint = await openEndpoint((asked) => {
    if (asked.method !== 'GET') echo(asked)
  })
  const backend = { ...backendOf('web', [httpEndpoint(endpoint.url)]), deadlineMs: 300 }
  const gateway = await openGateway({ backends: [backend] })
  const url = `${gateway.url}/mcp/web`
  const { headers } = await initialize(url)
  const told = await ask(url, { method: 'GET', headers })
  expect([told.status, told.text]).toEqual([504, expect.stringContaining('0.3 s')])
  expect(JSON.parse((await ask(url, { headers, body: aRequest(1, 'ping') })).text)).toMatchObject({
    id: 1,
  })
})

describe('the rest of a call’s stream that a client fetches', () => {
  it('leaves the session’s own stream as it is', async () => {
    const { url, headers, resuming, rests, isOpen, say } = await open()
    const own = await follow(url, { headers })
    const rest = await follow(url, resuming)
    rests[0]?.end(answer)
    expect(await rest.message()).toMatchObject({ id: 7 })
    await expect.poll(() => isClosed(rest)).toBe(true)
    expect([isOpen(), isClosed(own)]).toEqual([true, false])
    say(said)
    expect(await own.message()).toEqual(said)
  })

  it('is not taken for the session’s own stream that is opened after it', async () => {
    const { url, headers, resuming, rests, say } = await open()
    const rest = await follow(url, resuming)
    const own = await follow(url, { headers })
    say(said)
    expect(await own.message()).toEqual(said)
    rests[0]?.end(answer)
    expect(await rest.message()).toMatchObject({ id: 7 })
    await expect.poll(() => isClosed(rest)).toBe(true)
    expect(isClosed(own)).toBe(false)
  })

  it('has no progress behind the answer', async () => {
    const { url, resuming, rests } = await open()
    const rest = await follow(url, resuming)
    rests[0]?.end(
      answer + `data: ${JSON.stringify(progress(1))}\n\n` + `data: ${JSON.stringify(said)}\n\n`,
    )
    expect(await rest.message()).toMatchObject({ id: 7 })
    expect(await rest.message()).toEqual(said)
  })
})

describe('the session’s own stream', () => {
  it('has no progress that names no request', async () => {
    const { url, headers, say } = await open()
    const own = await follow(url, { headers })
    for (const message of [progress(), progress(1), said]) say(message)
    // Which calls there are at other instances is not known here.
    expect(await own.message()).toMatchObject({ params: { progressToken: 1 } })
    expect(await own.message()).toEqual(said)
  })

  it('tells its client when to come back', async () => {
    const { url, headers, write } = await open()
    const own = await follow(url, { headers })
    write('retry: 70\n\n')
    write('id: 1\nretry: 80\ndata: \n\n')
    expect([await own.next(), await own.next()]).toMatchObject([
      { retry: '70', id: undefined },
      // Clients before 2025-11-25 fail on empty data.
      { retry: '80', id: undefined },
    ])
  })
})

it('a call’s stream tells its client when to come back', async () => {
  const endpoint = await openEndpoint(({ res }) => {
    res.writeHead(200, eventStream)
    res.write('retry: 70\n\n')
    res.write(`data: ${JSON.stringify(said)}\n\n`)
    res.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id: 1, result: {} })}\n\n`)
  })
  const gateway = await openGateway({ backends: [backendOf('web', [httpEndpoint(endpoint.url)])] })
  const { headers } = await initialize(`${gateway.url}/mcp/web`)
  const told = await ask(`${gateway.url}/mcp/web`, { headers, body: aRequest(1, 'x') })
  expect(told.text).toContain('retry: 70\n\n')
  expect(told.text).toContain('"result":{}')
})

describe('an event on the session’s own stream', () => {
  it.each(['hello', '{"level":"info"}', '[]'])(
    'that is no message is skipped: %s',
    async (junk) => {
      const { url, headers, write, say } = await open()
      const own = await follow(url, { headers })
      write(`data: ${junk}\n\n`)
      say(said)
      expect(await own.message()).toEqual(said)
    },
  )

  it('that is no response fails the call that it names', async () => {
    const { url, resuming, rests } = await open()
    const rest = await follow(url, resuming)
    rests[0]?.write('data: {"jsonrpc":"2.0","id":7,"error":"boom"}\n\n')
    expect(await rest.message()).toMatchObject({ id: 7, error: { code: -31502 } })
  })
})
