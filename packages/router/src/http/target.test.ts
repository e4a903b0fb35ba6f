import { describe, expect, it } from 'vitest'
import { matchTarget } from './target.js'

const wrongTimeout = { kind: 'call', backend: 'weather', deadlineMs: 'wrong' }

describe('an address', () => {
  it.each([
    ['/mcp/router/route/weather', { kind: 'call', backend: 'weather', deadlineMs: undefined }],
    [
      '/mcp/router/route/weather/timeout/90',
      { kind: 'call', backend: 'weather', deadlineMs: 90_000 },
    ],
    ['/mcp/router/route/weather/timeout/0', wrongTimeout],
    ['/mcp/router/route/weather/timeout/', wrongTimeout],
    ['/mcp/router/route/weather/timeout', wrongTimeout],
    ['/mcp/router/route/weather/timeout/-1', wrongTimeout],
    ['/mcp/router/route/weather/timeout/2073601', wrongTimeout],
    ['/mcp/router/route/weather/timeout/99999999999999', wrongTimeout],
    [
      '/mcp/router/route/weather/timeout/2073600',
      { kind: 'call', backend: 'weather', deadlineMs: 2_073_600_000 },
    ],
    ['/mcp/router/route/weather?x=1', { kind: 'call', backend: 'weather', deadlineMs: undefined }],
    ['/mcp/router/route/a%20b', { kind: 'call', backend: 'a b', deadlineMs: undefined }],
    ['/mcp/weather', { kind: 'http', backend: 'weather' }],
    ['/mcp/weather?x=1', { kind: 'http', backend: 'weather' }],
    ['/mcp/%E0%A4%A', { kind: 'http', backend: '%E0%A4%A' }],
    ['/mcp/router', { kind: 'http', backend: 'router' }],
    ['/sse/weather', { kind: 'sse', backend: 'weather', client: '' }],
    ['/sse?serviceName=weather', { kind: 'sse', backend: 'weather', client: '' }],
    ['/mcp/weather/message?sessionId=s', { kind: 'message', backend: 'weather', session: 's' }],
    ['/mcp/weather/message', { kind: 'message', backend: 'weather', session: '' }],
    ['/mcp/message?sessionId=s', { kind: 'message', backend: '', session: 's' }],
    ['/mcp/weather/', { kind: 'http', backend: 'weather' }],
    ['/mcp/weather/?x=1/', { kind: 'http', backend: 'weather' }],
    ['/sse/weather/?clientId=a', { kind: 'sse', backend: 'weather', client: 'a' }],
    ['/sse/?serviceName=weather', { kind: 'sse', backend: 'weather', client: '' }],
    ['/mcp/weather/message/?sessionId=s', { kind: 'message', backend: 'weather', session: 's' }],
    [
      '/mcp/router/route/weather/timeout/90/',
      { kind: 'call', backend: 'weather', deadlineMs: 90_000 },
    ],
  ])('%s is the data plane’s', (url, target) => {
    expect(matchTarget(url)).toEqual(target)
    // What was met before is remembered.
    expect(matchTarget(url)).toEqual(target)
  })

  it.each([
    '/',
    '/mcp',
    '/mcp/',
    '/mcp/weather//',
    '/sse/',
    '/mcp/weather/tools',
    '/mcp/weather/message/x',
    '/sse',
    '/sse/weather/x',
    '/health',
    '/mcp/router/route/',
    '/mcp/router/route/weather/timeout/1/2',
    '/mcp/router/route/weather/other/1',
  ])('%s is somebody else’s', (url) => {
    expect(matchTarget(url)).toBeUndefined()
  })

  it('is matched the same after a thousand others', () => {
    for (let n = 0; n < 2_000; n++) matchTarget(`/mcp/backend-${n}`)
    expect(matchTarget('/mcp/backend-1999')).toEqual({ kind: 'http', backend: 'backend-1999' })
  })
})
