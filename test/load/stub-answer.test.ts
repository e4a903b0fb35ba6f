import { describe, expect, it } from 'vitest'
import { stubAnswer } from './stub-answer.js'

const post = (path: string, message: object, hasSession = true): string =>
  stubAnswer({ method: 'POST', path, hasSession, body: JSON.stringify(message) })

const bodyOf = (answer: string): string => answer.slice(answer.indexOf('\r\n\r\n') + 4)

describe('the stub backend', () => {
  it.each([7, '7', 'ü"\\', 0])('answers a call with its id %j, value and type', (id) => {
    const answer = post('/mcp', { jsonrpc: '2.0', id, method: 'tools/call', params: {} })
    expect(JSON.parse(bodyOf(answer))).toMatchObject({ id, result: { isError: false } })
    const length = Number(/Content-Length: (\d+)/.exec(answer)?.[1])
    expect(Buffer.byteLength(bodyOf(answer))).toBe(length)
  })

  it('answers about 500 bytes', () => {
    const answer = post('/mcp', { jsonrpc: '2.0', id: 1, method: 'tools/call' })
    expect(bodyOf(answer).length).toBeGreaterThan(450)
    expect(bodyOf(answer).length).toBeLessThan(550)
  })

  it('answers one event on the path of the SSE backend', () => {
    const answer = post('/sse-mcp', { jsonrpc: '2.0', id: 'a', method: 'tools/call' })
    expect(answer).toContain('Content-Type: text/event-stream')
    const [size = '', event = '', data = ''] = bodyOf(answer).split(/\r?\n/)
    expect(event).toBe('event: message')
    expect(parseInt(size, 16)).toBe(Buffer.byteLength(`${event}\n${data}\n\n`))
    expect(JSON.parse(data.slice('data: '.length))).toMatchObject({ id: 'a' })
  })

  it('opens a session on initialize, and answers nothing but 400 without one', () => {
    const initialize = { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} }
    expect(post('/mcp', initialize, false)).toMatch(/^HTTP\/1.1 200 OK\r\nMcp-Session-Id: \S+\r\n/)
    const call = { jsonrpc: '2.0', id: 2, method: 'tools/call' }
    expect(post('/mcp', call, false)).toMatch(/^HTTP\/1.1 400 /)
  })

  it('accepts notifications, refuses GET and ends sessions', () => {
    const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' }
    expect(post('/mcp', initialized)).toMatch(/^HTTP\/1.1 202 /)
    const without = { path: '/mcp', hasSession: true, body: '' }
    expect(stubAnswer({ ...without, method: 'GET' })).toMatch(/^HTTP\/1.1 405 /)
    expect(stubAnswer({ ...without, method: 'DELETE' })).toMatch(/^HTTP\/1.1 200 /)
  })
})
