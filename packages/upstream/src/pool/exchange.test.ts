import { aRequest, backendOf } from '@mcp-router/testkit/upstream'
import { describe, expect, it, vi } from 'vitest'
import { scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { createExchange } from './exchange.js'
import type { Upstream } from '../upstream.js'

const message = (text: string): Message => scanMessage(Buffer.from(text))

/** An Exchange over an Upstream that keeps what it is sent; the test speaks for the server. */
const connect = () => {
  const sent: Message[] = []
  const failing: ((error: Error) => void)[] = []
  const cancelled: string[] = []
  const ended: (Error | undefined)[] = []
  const upstream: Upstream = {
    send: (each) => Promise.resolve(void sent.push(each)),
    pass(each, onFailed) {
      sent.push(each)
      failing.push(onFailed)
    },
    cancel: (id) => void cancelled.push(id),
    listen: () => undefined,
    close: () => Promise.resolve(),
  }
  const exchange = createExchange(
    backendOf(),
    () => upstream,
    (cause) => ended.push(cause),
  )
  const ask = (request: Message) => {
    const caller = { onAnswer: vi.fn<(response: Buffer) => void>(), onFailed: vi.fn() }
    const ticket = exchange.request(request, caller)
    const answers = () => caller.onAnswer.mock.calls.map(([bytes]) => bytes.toString())
    return { ticket, answers, failures: () => caller.onFailed.mock.calls.map(([error]) => error) }
  }
  return { exchange, sent, failing, cancelled, ended, ask }
}

const texts = (messages: readonly Message[]) => messages.map(({ bytes }) => bytes.toString())

describe('callers with the same id', () => {
  it('get each their own answer, the id as they wrote it', () => {
    const { exchange, sent, ask } = connect()
    const [number, text, odd] = [
      ask(message('{"jsonrpc":"2.0","id":1,"method":"a"}')),
      ask(message('{"jsonrpc":"2.0","id":"1","method":"b"}')),
      ask(message('{"jsonrpc":"2.0","id":1.0,"method":"c"}')),
    ]
    const ids = sent.map(({ id }) => id)
    expect(new Set(ids).size).toBe(3)
    for (const id of ids.toReversed()) {
      exchange.onMessage(message(`{"jsonrpc":"2.0","id":${id},"result":{"to":${id}}}`))
    }
    expect(number.answers()).toEqual([`{"jsonrpc":"2.0","id":1,"result":{"to":${ids[0]}}}`])
    expect(text.answers()).toEqual([`{"jsonrpc":"2.0","id":"1","result":{"to":${ids[1]}}}`])
    expect(odd.answers()).toEqual([`{"jsonrpc":"2.0","id":1.0,"result":{"to":${ids[2]}}}`])
    expect(exchange.size()).toBe(0)
  })

  it('have every other byte passed on, both ways', () => {
    const { exchange, sent, ask } = connect()
    const caller = ask(message(' {"x":1.50, "id" : "a", "method":"m","jsonrpc":"2.0"}'))
    const id = sent[0]!.id
    expect(texts(sent)).toEqual([` {"x":1.50, "id" : ${id}, "method":"m","jsonrpc":"2.0"}`])
    exchange.onMessage(
      message(`{"id": ${id} ,"error":{"code":1e3,"message":"é"},"jsonrpc":"2.0", "y":[ ]}`),
    )
    expect(caller.answers()).toEqual([
      '{"id": "a" ,"error":{"code":1e3,"message":"é"},"jsonrpc":"2.0", "y":[ ]}',
    ])
  })
})

describe('what the server sends', () => {
  it('as a request is answered: ping with a result, anything else with a refusal', async () => {
    const { exchange, sent } = connect()
    exchange.onMessage(message('{"jsonrpc":"2.0","id":"p","method":"ping"}'))
    exchange.onMessage(message('{"jsonrpc":"2.0","id":7,"method":"roots/list"}'))
    await vi.waitUntil(() => sent.length === 2)
    const [pong, refusal] = texts(sent).map((text) => JSON.parse(text) as unknown)
    expect(pong).toEqual({ jsonrpc: '2.0', id: 'p', result: {} })
    expect(refusal).toMatchObject({ id: 7, error: { code: -32601 } })
  })

  it('as a notification, or as an answer that nobody waits for, is dropped', () => {
    const { exchange, sent, ask } = connect()
    const caller = ask(aRequest(1))
    exchange.onMessage(message('{"jsonrpc":"2.0","method":"notifications/message"}'))
    exchange.onMessage(message('{"jsonrpc":"2.0","id":"1","result":{}}'))
    exchange.onMessage(message('{"jsonrpc":"2.0","id":999,"result":{}}'))
    expect(caller.answers()).toEqual([])
    expect(sent).toHaveLength(1)
  })

  it('twice for one request counts once', () => {
    const { exchange, sent, ask } = connect()
    const caller = ask(aRequest('a'))
    const answer = message(`{"jsonrpc":"2.0","id":${sent[0]!.id},"result":{}}`)
    exchange.onMessage(answer)
    exchange.onMessage(answer)
    expect(caller.answers()).toHaveLength(1)
  })
})

describe('a request', () => {
  it('that cannot be sent fails for its caller only', () => {
    const { exchange, failing, ask } = connect()
    const [first, second] = [ask(aRequest(1)), ask(aRequest(2))]
    failing[0]!(new Error('broken'))
    failing[0]!(new Error('again'))
    expect(first.failures()).toEqual([new Error('broken')])
    expect(second.failures()).toEqual([])
    expect(exchange.size()).toBe(1)
  })

  it('that is cancelled is told to the server, and its caller hears no more', () => {
    const { exchange, sent, failing, cancelled, ask } = connect()
    const caller = ask(aRequest('mine'))
    exchange.cancel(caller.ticket)
    exchange.cancel(caller.ticket)
    exchange.onMessage(message(`{"jsonrpc":"2.0","id":${sent[0]!.id},"result":{}}`))
    failing[0]!(new Error('aborted'))
    expect(cancelled).toEqual([sent[0]!.id])
    expect([caller.answers(), caller.failures()]).toEqual([[], []])
  })

  it('fails with the cause when the connection ends', () => {
    const { exchange, ended, ask } = connect()
    const callers = [ask(aRequest(1)), ask(aRequest(2))]
    const cause = new Error('exited with 1')
    exchange.onClose(cause)
    expect(callers.flatMap((each) => each.failures())).toEqual([cause, cause])
    expect(ended).toEqual([cause])
    exchange.onClose(undefined)
    expect(callers.flatMap((each) => each.failures())).toHaveLength(2)
  })

  it('fails when we close it, too', () => {
    const { exchange, ask } = connect()
    const caller = ask(aRequest(1))
    exchange.onClose(undefined)
    expect(caller.failures()).toMatchObject([{ code: 'UPSTREAM_FAILED' }])
  })
})
