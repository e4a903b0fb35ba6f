import { scanMessage } from '@mcp-router/protocol'
import { answerJson, beginEvents, deadOrigin, frame, openHttp } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createHttpClient } from './client.js'
import { doubtIn, doubtInResponse, isSessionKnown } from './session-doubt.js'

const rpcError = (message: string, code = -32000) =>
  JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } })

describe('a refusal', () => {
  it.each([
    [404, ''],
    [404, 'tool session not found in this method'],
    [400, 'No transport found for sessionId'],
    [422, 'Unexpected message, expect initialize request'],
  ])('of %i "%s" may mean that the session is gone', (status, text) => {
    expect(doubtIn({ status, body: Buffer.from(text) })).toBe('possible')
  })

  it.each([
    [404, 'session not found'],
    [404, rpcError('Session not found', -32001)],
    [400, rpcError('Bad Request: No valid session ID provided')],
    [400, 'Bad Request: No valid session ID provided'],
    [400, 'Invalid session ID'],
    [401, 'Unauthorized: Session not found'],
    [410, 'Session terminated'],
  ])('of %i "%s" says so', (status, text) => {
    expect(doubtIn({ status, body: Buffer.from(text) })).toBe('likely')
  })

  it('because the server is not initialized means it', () => {
    const body = Buffer.from(rpcError('Bad Request: Server not initialized'))
    expect(doubtIn({ status: 400, body })).toBe('certain')
  })

  it.each([
    [400, 'missing argument'],
    [401, '{"error":"invalid_token"}'],
    [500, 'session store is down'],
    [200, 'session'],
    [400, `session${'x'.repeat(5_000)}`],
  ])('of %i "%s" does not', (status, text) => {
    expect(doubtIn({ status, body: Buffer.from(text) })).toBeUndefined()
  })
})

describe('an error with status 200', () => {
  it.each([
    ['Session not found', 'likely'],
    ['No valid session ID provided', 'likely'],
    ['Invalid session', 'likely'],
    ['Session has expired', 'likely'],
    ['Server not initialized', 'certain'],
    ['the browser session was closed by the user', undefined],
    ['language server not initialized', undefined],
  ])('"%s" is %s', (text, doubt) => {
    expect(doubtInResponse(scanMessage(Buffer.from(rpcError(text))))).toBe(doubt)
  })

  it('is none where it is a result', () => {
    const result = { content: [{ type: 'text', text: 'Session not found' }] }
    const bytes = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, result }))
    expect(doubtInResponse(scanMessage(bytes))).toBeUndefined()
  })
})

describe('a ping in the session', () => {
  const pong = ({ message }: Asked) => ({ jsonrpc: '2.0', id: message.id, result: {} })

  it.each<[string, boolean | undefined, (asked: Asked) => void]>([
    ['is answered', true, (asked) => answerJson(asked, pong(asked))],
    [
      'is answered by a stream that stays open',
      true,
      (asked) => {
        beginEvents(asked)
        asked.res.write(frame(pong(asked)))
      },
    ],
    [
      'is accepted, for an answer on another stream',
      true,
      ({ res }) => void res.writeHead(202).write('Session not found'),
    ],
    ['is refused for another reason', true, (asked) => answerJson(asked, 'no', { status: 500 })],
    ['breaks off', undefined, ({ res }) => void res.destroy()],
    ['gets 404', false, ({ res }) => void res.writeHead(404).end()],
    [
      'gets an error that says so',
      false,
      (asked) => answerJson(asked, rpcError('Session not found')),
    ],
    [
      'gets that error as an event',
      false,
      (asked) => {
        beginEvents(asked)
        asked.res.end(frame(JSON.parse(rpcError('Session not found'))))
      },
    ],
  ])('that %s: known is %s', async (_, known, answer) => {
    const server = await openHttp(answer)
    const client = createHttpClient({ connectTimeoutMs: 1_000 })
    onTestFinished(() => client.close())
    expect(await isSessionKnown(client, server.origin, ['mcp-session-id', 's'])).toBe(known)
    expect(server.asked[0]?.message).toMatchObject({ method: 'ping' })
  })

  it('that finds nobody: a server that has just gone takes its sessions along', async () => {
    const origin = await deadOrigin()
    const client = createHttpClient({ connectTimeoutMs: 1_000 })
    onTestFinished(() => client.close())
    expect(await isSessionKnown(client, origin, ['mcp-session-id', 's'])).toBe(false)
  })
})
