import { expect, it } from 'vitest'
import { scanParamHeaders } from './param-scan.js'

const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more })
const named = (name: unknown, type: unknown = 'string') => ({ type, 'x-mcp-header': name })

it('finds declarations at any depth of properties', () => {
  const schema = object({
    region: named('Region'),
    count: named('n', 'integer'),
    deep: object({ er: object({ flag: named('Flag', 'boolean') }) }),
    plain: { type: 'string' },
  })
  expect(scanParamHeaders(schema)).toEqual({
    declarations: [
      { path: ['region'], header: 'Mcp-Param-Region', type: 'string' },
      { path: ['count'], header: 'Mcp-Param-n', type: 'integer' },
      { path: ['deep', 'er', 'flag'], header: 'Mcp-Param-Flag', type: 'boolean' },
    ],
  })
})

it.each([
  ['nothing', undefined],
  ['null', null],
  ['true', true],
  ['no properties', { type: 'object' }],
  ['properties that are none', { type: 'object', properties: [named('A')] }],
  ['a property called so', object({ 'x-mcp-header': { type: 'string' } })],
  ['an example called so', object({ a: { type: 'object', default: named('A') } })],
])('finds none in %s', (_, schema) => {
  expect(scanParamHeaders(schema)).toEqual({ declarations: [] })
})

it.each<[string, unknown]>([
  ['an empty name', object({ a: named('') })],
  ['a name that is no string', object({ a: named(1) })],
  ['a space in the name', object({ a: named('a b') })],
  ['a line feed in the name', object({ a: named('a\n') })],
  ['a delimiter in the name', object({ a: named('a:b') })],
  ['a letter outside ASCII', object({ a: named('é') })],
  ['one name twice, by case', object({ a: named('Region'), b: object({ c: named('region') }) })],
  ['an object', object({ a: named('A', 'object') })],
  ['a list', object({ a: named('A', 'array') })],
  ['null', object({ a: named('A', 'null') })],
  ['two types', object({ a: named('A', ['string', 'null']) })],
  ['no type', object({ a: { 'x-mcp-header': 'A' } })],
  ['the root', { ...object({}), 'x-mcp-header': 'A' }],
  ['items', object({ a: { type: 'array', items: named('A') } })],
  ['items of a tuple', object({ a: { type: 'array', items: [named('A')] } })],
  ...['prefixItems', 'oneOf', 'anyOf', 'allOf'].map((keyword): [string, unknown] => [
    keyword,
    object({}, { [keyword]: [object({ a: named('A') })] }),
  ]),
  ...['not', 'if', 'then', 'else', 'contains', 'additionalProperties', 'propertyNames'].map(
    (keyword): [string, unknown] => [keyword, object({}, { [keyword]: named('A') })],
  ),
  ...['$defs', 'definitions', 'patternProperties', 'dependentSchemas'].map(
    (keyword): [string, unknown] => [keyword, object({}, { [keyword]: { x: named('A') } })],
  ),
])('drops all declarations for a fault: %s', (_, schema) => {
  const withSound = { allOf: [schema], ...object({ sound: named('Sound') }) }
  expect(scanParamHeaders(schema)).toEqual({ declarations: [], fault: expect.any(String) })
  expect(scanParamHeaders(withSound).declarations).toEqual([])
})

it('keeps the declarations where numbers are the only fault', () => {
  expect(scanParamHeaders(object({ a: named('A', 'number'), b: named('B') }))).toEqual({
    declarations: [
      { path: ['a'], header: 'Mcp-Param-A', type: 'number' },
      { path: ['b'], header: 'Mcp-Param-B', type: 'string' },
    ],
    fault: 'a: the type is number',
  })
  expect(scanParamHeaders(object({ a: named('A', 'number'), b: named('') })).declarations).toEqual(
    [],
  )
})

it('survives a schema made to exhaust the stack', () => {
  const depth = 50_000
  const text = `${'{"properties":{"a":'.repeat(depth)}{}${'}}'.repeat(depth)}`
  expect(scanParamHeaders(JSON.parse(text))).toEqual({ declarations: [] })
})
