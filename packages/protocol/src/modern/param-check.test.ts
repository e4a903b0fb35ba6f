import { expect, it } from 'vitest'
import { headerValuesOf } from './header-values.js'
import { checkParamHeaders } from './param-check.js'

const schema = {
  type: 'object',
  properties: {
    region: { type: 'string', 'x-mcp-header': 'Region' },
    count: { type: 'integer', 'x-mcp-header': 'Count' },
    flag: { type: 'boolean', 'x-mcp-header': 'Flag' },
    share: { type: 'number', 'x-mcp-header': 'Share' },
    deep: { type: 'object', properties: { id: { type: 'string', 'x-mcp-header': 'Deep' } } },
  },
}

const check = (args: unknown, ...headers: string[]) =>
  checkParamHeaders(schema, args, headerValuesOf(headers))

it.each<[string, unknown, string[]]>([
  ['an equal string', { region: 'eu' }, ['mcp-param-REGION', 'eu']],
  ['a padded one', { region: 'eu' }, ['Mcp-Param-Region', ' eu\t']],
  ['an encoded one', { region: '世界' }, ['Mcp-Param-Region', '=?base64?5LiW55WM?=']],
  ['an empty string, encoded', { region: '' }, ['Mcp-Param-Region', '=?base64??=']],
  ['markers in the wrong case', { region: '=?BASE64?QQ==?=' }, region('=?BASE64?QQ==?=')],
  ['an integer', { count: -7 }, ['Mcp-Param-Count', '-7']],
  ['an integer with a fraction of none', { count: 42 }, ['Mcp-Param-Count', '42.0']],
  ['an encoded integer', { count: 42 }, ['Mcp-Param-Count', '=?base64?NDI=?=']],
  ['the greatest integer', { count: 2 ** 53 - 1 }, ['Mcp-Param-Count', '9007199254740991']],
  ['a boolean', { flag: true }, ['Mcp-Param-Flag', 'true']],
  ['a number, of a tool that should not have it', { share: 1.5 }, ['Mcp-Param-Share', '1.50']],
  ['a nested value', { deep: { id: 'a' } }, ['Mcp-Param-Deep', 'a']],
  ['null without header', { region: null }, []],
  ['null with a header, which counts for nothing', { region: null }, region('eu')],
  ['no value with a header', {}, region('=?base64?!?=')],
  ['no arguments', undefined, []],
  ['arguments that are no object', ['eu'], []],
  ['a value on the way that is no object', { deep: 'a' }, []],
  ['a value that no header can say', { region: { eu: 1 } }, []],
  ['an integer whose digits are lost', { count: 2 ** 53 }, []],
  ['a header that is not declared', {}, ['Mcp-Param-Other', 'a', 'Mcp-Param-Other', 'b']],
])('accepts %s', (_, args, headers) => {
  expect(check(args, ...headers)).toBeUndefined()
})

it.each<[string, unknown, string[]]>([
  ['a missing header', { region: 'eu' }, []],
  ['a missing header of an empty string', { region: '' }, []],
  ['a missing header of false', { flag: false }, []],
  ['a missing header of 0', { count: 0 }, []],
  ['a missing header of a nested value', { deep: { id: 'a' } }, []],
  ['another value', { region: 'eu' }, region('us')],
  ['another case', { region: 'eu' }, region('EU')],
  ['bad padding', { region: 'Hello' }, region('=?base64?SGVsbG8?=')],
  ['letters outside the alphabet', { region: 'Hello' }, region('=?base64?SGVs!!!bG8=?=')],
  ['a letter no header may have', { region: '\xe9' }, region('\xe9')],
  ['two equal headers', { region: 'eu' }, [...region('eu'), ...region('eu')]],
  ['two headers that join to the value', { region: 'a, b' }, [...region('a'), ...region('b')]],
  ['another integer', { count: 42 }, ['Mcp-Param-Count', '41']],
  ['an exponent', { count: 42 }, ['Mcp-Param-Count', '4.2e1']],
  ['a plus', { count: 42 }, ['Mcp-Param-Count', '+42']],
  ['hex', { count: 42 }, ['Mcp-Param-Count', '0x2a']],
  ['another case of true', { flag: true }, ['Mcp-Param-Flag', 'True']],
  ['1 for true', { flag: true }, ['Mcp-Param-Flag', '1']],
  ['text compared as text', { count: '42' }, ['Mcp-Param-Count', '42.0']],
])('refuses %s', (_, args, headers) => {
  expect(check(args, ...headers)).toMatchObject({ status: 400, code: -32020 })
})

it('checks nothing of a tool whose declarations are invalid', () => {
  const invalid = { properties: { region: { type: 'object', 'x-mcp-header': 'Region' } } }
  expect(checkParamHeaders(invalid, { region: 'eu' }, headerValuesOf([]))).toBeUndefined()
  expect(checkParamHeaders(undefined, { region: 'eu' }, headerValuesOf([]))).toBeUndefined()
})

it('names the header and keeps the value to itself', () => {
  const refusal = check({ region: 'secret' }, 'Mcp-Param-Region', 'guess')
  expect(refusal?.data).toEqual({ header: 'Mcp-Param-Region' })
  expect(JSON.stringify(refusal)).not.toMatch(/secret|guess/)
})

function region(value: string): string[] {
  return ['Mcp-Param-Region', value]
}
