import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { openEndpoint } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const date = 'Fri, 31 Dec 1999 23:59:59 GMT'

/** A header of a server's answer, and whether its client gets it. */
const headers: readonly (readonly [name: string, value: string, isPassed: boolean])[] = [
  ['retry-after', '0', true],
  ['retry-after', '120', true],
  ['retry-after', date, true],
  ['retry-after', 'Friday, 31-Dec-99 23:59:59 GMT', true],
  ['retry-after', 'Fri Dec  1 23:59:59 1999', true],
  ['retry-after', '-1', false],
  ['retry-after', '1.5', false],
  ['retry-after', 'soon', false],
  ['retry-after', '9'.repeat(5_000), false],
  ['retry-after', `${date}${' '.repeat(5_000)}x`, false],
  ['allow', 'GET, POST', true],
  ['allow', '', true],
  ['allow', 'A'.repeat(256), true],
  ['allow', 'A'.repeat(257), false],
  ['allow', 'GET; POST', false],
]

describe('a header of a server’s answer', () => {
  it.each(headers)('$0: $1', async (name, value, isPassed) => {
    const endpoint = await openEndpoint(({ res, message }) => {
      res.writeHead(200, { 'content-type': 'application/json', [name]: value })
      res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: {} }))
    })
    const gateway = await openGateway({
      backends: [backendOf('web', [httpEndpoint(endpoint.url)])],
    })
    const url = `${gateway.url}/mcp/web`
    const session = await initialize(url)
    const told = await ask(url, { headers: session.headers, body: aRequest(1, 'ping') })
    expect(told.status).toBe(200)
    expect(told.headers[name]).toBe(isPassed ? value : undefined)
  })
})

it('a long Content-Type of a server loses its parameters', async () => {
  const endpoint = await openEndpoint(({ res, message }) => {
    res.writeHead(200, { 'content-type': `application/json ; x=${'x'.repeat(5_000)}` })
    res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: {} }))
  })
  const gateway = await openGateway({ backends: [backendOf('web', [httpEndpoint(endpoint.url)])] })
  const url = `${gateway.url}/mcp/web`
  const session = await initialize(url)
  const told = await ask(url, { headers: session.headers, body: aRequest(1, 'ping') })
  expect(told.headers['content-type']).toBe('application/json')
})
