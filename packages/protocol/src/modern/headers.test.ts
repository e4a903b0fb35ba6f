import { expect, it } from 'vitest'
import { scanMessage } from '../message.js'
import { checkModernRequest } from './check.js'
import { modernClaim } from './claim.js'
import { metaKeys } from './envelope.js'
import { headerValuesOf } from './header-values.js'
import { modernRequestHeaders } from './headers.js'

const _meta = { [metaKeys.protocolVersion]: '2026-07-28', [metaKeys.clientCapabilities]: {} }

const headersOf = (method: string, params: object, received?: readonly string[]): string[] => {
  const body = { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } }
  const message = scanMessage(Buffer.from(JSON.stringify(body)))
  const claim = modernClaim(message)!
  const headers = modernRequestHeaders(message, claim, received)
  expect(checkModernRequest(message, claim, headerValuesOf(headers))).toBeUndefined()
  return headers
}

const base = (method: string): string[] => [
  ...['mcp-protocol-version', '2026-07-28'],
  ...['mcp-method', method],
]

it.each<[string, object, string[]]>([
  ['tools/list', { name: 'none of its business' }, []],
  ['tools/call', { name: 'echo' }, ['mcp-name', 'echo']],
  ['tools/call', { name: 'écho' }, ['mcp-name', '=?base64?w6ljaG8=?=']],
  ['tools/call', { name: 'a\r\nx: y' }, ['mcp-name', '=?base64?YQ0KeDogeQ==?=']],
  ['tools/call', { name: 1 }, []],
  ['prompts/get', { name: 'hello' }, ['mcp-name', 'hello']],
  ['resources/read', { uri: 'file:///a b', name: 'no' }, ['mcp-name', 'file:///a b']],
  ['tasks/get', { taskId: '7' }, ['mcp-name', '7']],
  ['tasks/update', { taskId: '7' }, ['mcp-name', '7']],
  ['tasks/cancel', { taskId: ' 7' }, ['mcp-name', '=?base64?IDc=?=']],
])('mirrors %s of %j, so that it passes the check of the next hop', (method, params, name) => {
  expect(headersOf(method, params)).toEqual([...base(method), ...name])
})

it('lets Mcp-Param-* through as they came, repeated ones too, and no other header', () => {
  const param = ['Mcp-Param-Region', ' =?base64?ZXU=?=', 'mcp-param-region', 'eu']
  const other = ['Mcp-Name', 'mcp-param-x', 'Authorization', 'Bearer secret', 'Mcp-Session-Id', '1']
  expect(headersOf('tools/list', {}, [...other, ...param])).toEqual([
    ...base('tools/list'),
    ...param,
  ])
})
