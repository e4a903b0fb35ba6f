import { beginEvents, openHttp } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { backendOf, httpEndpoint, sseEndpoint } from '@mcp-router/testkit/upstream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createHttpClient } from '../http/client.js'
import { openSseUpstream } from '../sse/upstream.js'
import { createTransports } from './transports.js'

const isAuto = true as const

/** So long is waited for an answer that does not come, ms. */
const briefMs = 50

const open = async (answer: (asked: Asked) => void, waitMs = 5_000) => {
  const server = await openHttp(answer)
  const client = createHttpClient({ connectTimeoutMs: 1_000 })
  onTestFinished(() => client.close())
  const transports = createTransports(client, waitMs)
  const endpoint = httpEndpoint(`${server.origin}/sse`, { isAuto })
  const { name } = backendOf(endpoint)
  let changes = 0
  transports.whenChanged(() => changes++)
  return { server, transports, endpoint, name, changes: () => changes }
}

const stream = (first: string) => (asked: Asked) => {
  beginEvents(asked)
  asked.res.write(first)
}

describe('the transport of an endpoint that names none', () => {
  it('is HTTP+SSE where a GET is answered with an endpoint event', async () => {
    const { transports, endpoint, name, changes } = await open(
      stream('event: endpoint\ndata: /m\n\n'),
    )
    expect(transports.of(endpoint)).toBe(endpoint)
    expect(await transports.isSse(name, endpoint)).toBe(true)
    expect(transports.of(endpoint)).toEqual(sseEndpoint(endpoint.url, { isAuto }))
    expect(changes()).toBe(1)
  })

  it.each([
    ['a stream that never says where to post', stream(': nothing\n\n')],
    ['405', ({ res }: Asked) => void res.writeHead(405).end()],
    ['no answer', () => undefined],
  ])('is Streamable HTTP for a while where it is answered with %s', async (_, answer) => {
    const { server, transports, endpoint, name } = await open(answer, briefMs)
    const asked = [transports.isSse(name, endpoint), transports.isSse(name, endpoint)]
    expect(await Promise.all(asked)).toEqual([false, false])
    expect(await transports.isSse(name, endpoint)).toBe(false)
    expect(server.asked).toHaveLength(1)
    expect(transports.of(endpoint)).toBe(endpoint)
  })

  it.each([
    ['ends', ({ res }: Asked) => void res.end(), true],
    ['says nothing of where to post', () => undefined, false],
  ])(
    'is doubted where a later stream says nothing, not where it ends (%s)',
    async (_, goOn, stays) => {
      let asked = 0
      const { transports, endpoint, name } = await open((each) => {
        beginEvents(each)
        if (++asked === 1) each.res.write('event: endpoint\ndata: /m\n\n')
        else goOn(each)
      })
      await transports.isSse(name, endpoint)
      const failure: unknown = await openSseUpstream({
        client: createHttpClient({ connectTimeoutMs: 1_000 }),
        endpoint: sseEndpoint(endpoint.url, { isAuto }),
        backend: { name },
        listener: { onMessage: () => undefined, onClose: () => undefined },
        events: { emit: () => undefined },
        waitMs: briefMs,
      }).catch((error: unknown) => error)
      transports.doubt(endpoint, failure)
      expect(transports.of(endpoint).transport).toBe(stays ? 'sse' : 'http')
    },
  )

  it('is forgotten with the endpoint', async () => {
    const { transports, endpoint, name } = await open(stream('event: endpoint\ndata: /m\n\n'))
    await transports.isSse(name, endpoint)
    transports.retain(() => false)
    expect(transports.of(endpoint)).toBe(endpoint)
  })

  it('is not asked for where the operator named it', async () => {
    const { server, transports, endpoint, name } = await open(
      stream('event: endpoint\ndata: /m\n\n'),
    )
    expect(await transports.isSse(name, httpEndpoint(endpoint.url))).toBe(false)
    expect(await transports.isSse(name, sseEndpoint(endpoint.url))).toBe(true)
    expect(server.asked).toHaveLength(0)
  })
})
