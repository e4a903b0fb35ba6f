import { describe, expect, it } from 'vitest'
import { scanMessage } from '../message.js'
import { checkModernRequest } from './check.js'
import { modernClaim } from './claim.js'
import { metaKeys } from './envelope.js'
import { headerValuesOf } from './header-values.js'
import type { Refusal } from './refusal.js'

const revision = '2026-07-28'
const sound = { [metaKeys.protocolVersion]: revision, [metaKeys.clientCapabilities]: {} }
const mismatch = { status: 400, code: -32020, data: { header: 'Mcp-Name' } }

const checked = (method: string, params: object, ...names: string[]): Refusal | undefined => {
  const body = { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: sound } }
  const message = scanMessage(Buffer.from(JSON.stringify(body)))
  const headers = ['MCP-Protocol-Version', revision, 'Mcp-Method', method]
  const named = names.flatMap((name) => ['Mcp-Name', name])
  return checkModernRequest(message, modernClaim(message), headerValuesOf([...headers, ...named]))
}

describe('Mcp-Name', () => {
  it.each<[unknown, string[]]>([
    ['echo', ['echo']],
    ['echo', ['  echo\t']],
    ['echo', ['=?base64?ZWNobw==?=']],
    ['é', ['=?base64?w6k=?=']],
    ['a, b', ['a, b']],
    ['', ['']],
    [1, []],
    [1, ['echo']],
  ])('passes for %j as %j', (tool, names) => {
    expect(checked('tools/call', { name: tool }, ...names)).toBeUndefined()
  })

  it.each<[unknown, string[]]>([
    ['echo', []],
    ['echo', ['Echo']],
    ['echo', ['=?base64?ZWNobw?=']],
    ['echo', ['=?BASE64?ZWNobw==?=']],
    ['é', ['é']],
    ['echo', ['echo', 'echo']],
    ['a, b', ['a', 'b']],
    [1, ['=?base64?!?=']],
  ])('is refused for %j as %j', (tool, names) => {
    expect(checked('tools/call', { name: tool }, ...names)).toMatchObject(mismatch)
  })

  it.each([
    ['tools/call', 'name'],
    ['prompts/get', 'name'],
    ['resources/read', 'uri'],
    ['tasks/get', 'taskId'],
    ['tasks/update', 'taskId'],
    ['tasks/cancel', 'taskId'],
  ])('of %s is params.%s', (of, member) => {
    const params = { [member]: 'a' }
    expect(checked(of, params)).toMatchObject(mismatch)
    expect(checked(of, params, 'b')).toMatchObject(mismatch)
    expect(checked(of, params, 'a')).toBeUndefined()
  })

  it.each(['tools/list', 'toString', 'x/custom'])('of %s is ignored', (of) => {
    expect(checked(of, { name: 'a' }, '=?base64?!?=')).toBeUndefined()
  })
})
