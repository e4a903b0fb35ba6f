import { expect, it } from 'vitest'
import { headerValuesOf } from '../modern/header-values.js'
import { checkDeclaredParams } from '../modern/param-check.js'
import { paramHeaders } from './params.js'

const declared = (path: readonly string[], type = 'string') => ({
  path,
  header: `Mcp-Param-${path.join('-')}`,
  type,
})

it('repeats arguments at any depth', () => {
  const declarations = [declared(['region']), declared(['deep', 'er'])]
  expect(paramHeaders(declarations, { region: 'eu', deep: { er: 'x' }, other: 1 })).toEqual([
    'Mcp-Param-region',
    'eu',
    'Mcp-Param-deep-er',
    'x',
  ])
})

it.each<[unknown, string]>([
  [42, '42'],
  [-0, '0'],
  [1.5, '1.5'],
  [true, 'true'],
  [false, 'false'],
  ['', '=?base64??='],
  [' padded', '=?base64?IHBhZGRlZA==?='],
  ['Grüße', '=?base64?R3LDvMOfZQ==?='],
  ['line\nfeed', '=?base64?bGluZQpmZWVk?='],
])('writes %j as %s', (value, text) => {
  expect(paramHeaders([declared(['a'])], { a: value })).toEqual(['Mcp-Param-a', text])
})

it.each([[null], [undefined], [{}], [['x']], [2 ** 53]])('writes no header for %j', (value) => {
  expect(paramHeaders([declared(['a'])], { a: value })).toEqual([])
})

it.each([[undefined], [null], ['text'], [['x']]])('writes none for the arguments %j', (args) => {
  expect(paramHeaders([declared(['a']), declared(['0', 'length'])], args)).toEqual([])
})

it('reads no argument from the prototype', () => {
  expect(paramHeaders([declared(['a'])], Object.create({ a: 'x' }))).toEqual([])
})

it('writes what the check of a server accepts', () => {
  const declarations = [
    declared(['s']),
    declared(['i'], 'integer'),
    declared(['b'], 'boolean'),
    declared(['none']),
    declared(['huge'], 'integer'),
  ]
  const args = { s: '=?base64?no?=', i: -7, b: false, none: null, huge: 2 ** 60 }
  const headers = headerValuesOf(paramHeaders(declarations, args))
  expect(checkDeclaredParams(declarations, args, headers)).toBeUndefined()
  expect(checkDeclaredParams(declarations, { ...args, s: 'x' }, headers)).toBeDefined()
})
