import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv'
import { describe, expect, it } from 'vitest'
import { wrappedSchema, wrapsOutput } from './output-schema.js'

/** What the SDK's client makes of a schema: does it take the value? */
const accepts = (schema: object, value: unknown): boolean =>
  new AjvJsonSchemaValidator().getValidator(schema)(value).valid

const inner = (schema: object) =>
  (wrappedSchema({ ...schema }).properties as { result: object }).result

describe('wrapsOutput', () => {
  it.each([
    [{ type: 'array' }],
    [{ anyOf: [{ type: 'object' }] }],
    [{ type: ['object', 'null'] }],
    [{}],
  ])('is true of the root %j', (outputSchema) => {
    expect(wrapsOutput({ name: 't', outputSchema })).toBe(true)
  })

  it.each([[{ type: 'object' }], [undefined], [null], [true]])(
    'is false of the root %j',
    (outputSchema) => {
      expect(wrapsOutput({ name: 't', outputSchema })).toBe(false)
    },
  )
})

describe('wrappedSchema', () => {
  it('is an object whose only member is what the schema describes', () => {
    const schema = { type: 'array', items: { type: 'string' } }
    expect(wrappedSchema(schema)).toEqual({
      type: 'object',
      properties: { result: schema },
      required: ['result'],
    })
    expect(accepts(wrappedSchema(schema), { result: ['a'] })).toBe(true)
    expect(accepts(wrappedSchema(schema), { result: [1] })).toBe(false)
    expect(accepts(wrappedSchema(schema), {})).toBe(false)
  })

  it('leads references to where their schemas stand now', () => {
    const schema = {
      $defs: { leaf: { type: 'string' } },
      anyOf: [{ $ref: '#/$defs/leaf' }, { type: 'array', items: { $ref: '#' } }],
    }
    const wrapped = wrappedSchema(schema)
    expect(accepts(wrapped, { result: ['a', ['b', []]] })).toBe(true)
    expect(accepts(wrapped, { result: ['a', [1]] })).toBe(false)
    expect(inner(schema)).toMatchObject({
      anyOf: [
        { $ref: '#/properties/result/$defs/leaf' },
        { items: { $ref: '#/properties/result' } },
      ],
    })
  })

  it('leads dynamic references too, and no reference to an anchor or another document', () => {
    expect(inner({ $dynamicRef: '#/$defs/a' })).toEqual({
      $dynamicRef: '#/properties/result/$defs/a',
    })
    const elsewhere = { allOf: [{ $ref: '#anchor' }, { $ref: 'https://a.b/c#/d' }] }
    expect(inner(elsewhere)).toEqual(elsewhere)
  })

  it('takes data for data', () => {
    const data = { $ref: '#/x' }
    const schema = { const: data, enum: [data], default: data, examples: [data] }
    expect(inner(schema)).toEqual(schema)
  })

  it.each(['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions'])(
    'takes names in %s for names',
    (keyword) => {
      const named = (reference: string) => ({
        [keyword]: {
          const: { $ref: reference },
          default: { $ref: reference },
          $ref: { $ref: reference },
          $id: { $ref: reference },
        },
      })
      expect(inner(named('#/x'))).toEqual(named('#/properties/result/x'))
    },
  )

  it('keeps a property called __proto__', () => {
    const schema = JSON.parse('{"anyOf":[{"properties":{"__proto__":{"type":"string"}}}]}')
    expect(JSON.stringify(inner(schema))).toBe(JSON.stringify(schema))
  })

  it('leaves a schema with a base of its own alone, the whole or a part', () => {
    const based = { $id: 'https://a.b/c', $ref: '#/$defs/x' }
    expect(inner(based)).toEqual(based)
    expect(inner({ allOf: [based, { $id: '#item', $ref: '#/y' }] })).toEqual({
      allOf: [based, { $id: '#item', $ref: '#/properties/result/y' }],
    })
  })

  it('names the dialect at the root, where it counts', () => {
    const $schema = 'https://json-schema.org/draft/2020-12/schema'
    expect(wrappedSchema({ $schema, type: 'array' })).toEqual({
      $schema,
      type: 'object',
      properties: { result: { type: 'array' } },
      required: ['result'],
    })
    const based = { $schema, $id: 'https://a.b/c' }
    expect(wrappedSchema(based)).toMatchObject({ $schema, properties: { result: based } })
  })

  it('survives a schema made to exhaust the stack', () => {
    const depth = 50_000
    const schema = JSON.parse(`${'{"items":'.repeat(depth)}{}${'}'.repeat(depth)}`)
    expect(wrappedSchema(schema).type).toBe('object')
  })
})
