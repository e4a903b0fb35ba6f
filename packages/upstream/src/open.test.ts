import { once } from 'node:events'
import type { Backend, Endpoint } from '@mcp-router/core'
import { scanMessage } from '@mcp-router/protocol'
import {
  answerJson,
  beginEvents,
  deadOrigin,
  echo,
  frame,
  openEndpoint,
  openHttp,
} from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import {
  aRequest,
  backendOf,
  createHeard,
  httpEndpoint,
  nodeEndpoint,
  openPool,
} from '@mcp-router/testkit/upstream'
import { describe, expect, it, onTestFinished } from 'vitest'

/** A session at this Endpoint, `initialize` sent. */
const openSession = async (endpoint: Endpoint, era: Backend['era'] = 'auto') => {
  const { upstreams } = openPool()
  const heard = createHeard()
  const upstream = await upstreams.dialer.open({ ...backendOf(endpoint), era }, endpoint, heard)
  onTestFinished(() => upstream.close())
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: { elicitation: {} },
    clientInfo: { name: 'c', version: '1' },
  }
  const sent = upstream.send(aRequest('i', 'initialize', params)).catch((error: unknown) => error)
  return { upstream, heard, sent }
}

const discovered = { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } }

/** A server that knows no sessions: it says so at `initialize`, as it is told to; `answer` sees calls of tools. */
const modernServer = (refuse: (asked: Asked) => void, answer: (asked: Asked) => void = echo) =>
  openHttp((asked) => {
    const { method, id } = asked.message
    const tell = (result: object): void => answerJson(asked, { jsonrpc: '2.0', id, result })
    if (method === 'initialize') refuse(asked)
    else if (method === 'server/discover') tell(discovered)
    else if (method === 'tools/list') tell({ resultType: 'complete', tools: [] })
    else answer(asked)
  })

const unsupported = (asked: Asked): void => {
  const error = { code: -32022, message: 'm', data: { supported: ['2026-07-28'] } }
  answerJson(asked, { jsonrpc: '2.0', id: asked.message.id, error }, { status: 400 })
}

/** As the official SDK by default: it answers `initialize`, and keeps no session. */
const sessionless = (asked: Asked): void => {
  const result = { protocolVersion: '2025-11-25', capabilities: {} }
  answerJson(asked, { jsonrpc: '2.0', id: asked.message.id, result })
}

const initialized = {
  id: 'i',
  result: { protocolVersion: '2025-11-25', capabilities: { tools: {} } },
}

describe('a session at an http endpoint', () => {
  it('is that of the server where it has any', async () => {
    const server = await openEndpoint(echo)
    const { heard } = await openSession(httpEndpoint(`${server.origin}/mcp`))
    expect(await heard.next()).toMatchObject({ result: { serverInfo: { name: 's-1' } } })
    expect(server.methods()).toEqual(['initialize'])
  })

  it.each([
    ['refuses initialize by revision', unsupported],
    ['knows no initialize', (asked: Asked) => void asked.res.writeHead(404).end()],
    ['answers initialize without a session', sessionless],
  ])('is a face where the server %s', async (_, refuse) => {
    const server = await modernServer(refuse)
    const { heard } = await openSession(httpEndpoint(`${server.origin}/mcp`))
    expect(await heard.next()).toMatchObject(initialized)
  })

  it('is refused as a server with sessions refuses it', async () => {
    const server = await openHttp((asked) => {
      const error = { code: -32602, message: 'name yourself' }
      answerJson(asked, { jsonrpc: '2.0', id: asked.message.id, error }, { status: 400 })
    })
    const { heard } = await openSession(httpEndpoint(`${server.origin}/mcp`))
    expect(await heard.next()).toMatchObject({ id: 'i', error: { message: 'name yourself' } })
  })

  it('fails where nobody listens', async () => {
    const { sent } = await openSession(httpEndpoint(`${await deadOrigin()}/mcp`))
    expect(await sent).toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('is as configured, without asking', async () => {
    const server = await modernServer(unsupported)
    const endpoint = httpEndpoint(`${server.origin}/mcp`)
    const modern = await openSession(endpoint, 'modern')
    expect(await modern.heard.next()).toMatchObject(initialized)
    const legacy = await openSession(endpoint, 'legacy')
    expect(await legacy.heard.next()).toMatchObject({ error: { code: -32022 } })
    expect(server.asked.map(({ message }) => message.method)).toEqual([
      'server/discover',
      'initialize',
    ])
  })
})

describe('a session at a command', () => {
  const script = (answers: string) => `
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method } = JSON.parse(line)
      const answers = ${answers}
      if (!answers[method]) process.exit(3)
      console.log(JSON.stringify({ jsonrpc: '2.0', id, result: answers[method] }))
    })`

  it('is a face where the command leaves at initialize, and is modern', async () => {
    const answers = JSON.stringify({ 'server/discover': discovered })
    const { heard } = await openSession(nodeEndpoint(script(answers)))
    expect(await heard.next()).toMatchObject(initialized)
    expect(heard.closings()).toBe(0)
  })

  it('ends where the command leaves whatever it is asked', async () => {
    const { heard } = await openSession(nodeEndpoint(script('{}')))
    expect(await heard.closed).toMatchObject({ code: 'OPENING_FAILED' })
    expect(heard.messages).toEqual([])
  })
})

describe('a face of a server over HTTP', () => {
  const call = aRequest(1, 'tools/call', { name: 'weather', arguments: {} })

  it('asks the client, and calls again with what it answered', async () => {
    const question = { method: 'elicitation/create', params: { message: 'sure?' } }
    const server = await modernServer(unsupported, (asked) => {
      const { id, params } = asked.message
      const result = params?.['inputResponses']
        ? { content: [], structuredContent: params['inputResponses'] }
        : { resultType: 'input_required', inputRequests: { q: question }, requestState: 's' }
      beginEvents(asked)
      asked.res.end(frame({ jsonrpc: '2.0', id, result }))
    })
    const { upstream, heard } = await openSession(httpEndpoint(`${server.origin}/mcp`))
    await heard.next()
    const calling = upstream.send(call)
    const { id, ...asked } = (await heard.next()) as { id: string }
    expect(asked).toEqual({ jsonrpc: '2.0', ...question })
    const answer = { jsonrpc: '2.0', id, result: { action: 'cancel' } }
    await upstream.send(scanMessage(Buffer.from(JSON.stringify(answer))))
    await calling
    expect(await heard.next()).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: { content: [], structuredContent: { q: { action: 'cancel' } } },
    })
  })

  it('leaves a call that is given up, which the server sees', async () => {
    let begun = (): void => undefined
    const streaming = new Promise<void>((resolve) => (begun = resolve))
    const server = await modernServer(unsupported, (asked) => {
      beginEvents(asked)
      begun()
    })
    const { upstream, heard } = await openSession(httpEndpoint(`${server.origin}/mcp`))
    await heard.next()
    const calling = upstream.send(call)
    await streaming
    const left = once(server.asked.at(-1)!.res, 'close')
    upstream.cancel('1')
    await Promise.all([left, calling])
    expect(heard.messages).toHaveLength(1)
  })

  it('fails a call whose answer is no JSON, as does one whose stream has none', async () => {
    const server = await modernServer(unsupported, (asked) => {
      const id = JSON.stringify(asked.message.id)
      const broken = `{"jsonrpc":"2.0","id":${id},"result":{"content":[,]}}`
      if (asked.message.params?.['name'] === 'weather') answerJson(asked, broken)
      else {
        beginEvents(asked)
        asked.res.end(`data: ${broken}\n\n`)
      }
    })
    const { upstream, heard } = await openSession(httpEndpoint(`${server.origin}/mcp`))
    await heard.next()
    for (const message of [call, aRequest(2, 'tools/call', { name: 'other' })]) {
      const code = 'UPSTREAM_BAD_ANSWER'
      await expect(upstream.send(message)).rejects.toMatchObject({ code })
    }
  })
})

it('a told change of tools has the next call list them anew', async () => {
  const { upstreams } = openPool()
  const backend = backendOf()
  let lists = 0
  const list = () =>
    upstreams.catalog.tools(backend, () => Promise.resolve({ tools: [], lists: ++lists }))
  await list()
  await list()
  expect(lists).toBe(1)
  upstreams.changes.publish(backend.name, 'notifications/tools/list_changed')
  await list()
  expect(lists).toBe(2)
})
