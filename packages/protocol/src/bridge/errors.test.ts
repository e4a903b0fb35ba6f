import { expect, it } from 'vitest'
import { legacyError, modernError } from './errors.js'

const data = { uri: 'file:///a' }

it('has one error for a resource that is not there', () => {
  const error = { code: -32002, message: 'Resource not found', data }
  expect(modernError(error)).toEqual({ ...error, code: -32602 })
})

it.each([-32020, -32021, -32022, -32041, -32043, -32099])(
  'does not let %i of a legacy server pass for a modern code',
  (code) => {
    expect(modernError({ code, message: 'own', data })).toEqual({
      code: -32603,
      message: 'own',
      data,
    })
  },
)

it.each([-32700, -32601, -32602, -32603, -32000, -32001, -32019, -32042, -32100, 1, 404])(
  'passes %i of a legacy server on',
  (code) => {
    const error = { code, message: 'm', data, extra: 1 }
    expect(modernError(error)).toEqual(error)
  },
)

it.each([-32020, -32021, -32022])('makes %i of a modern server an internal error', (code) => {
  expect(legacyError({ code, message: 'm', data })).toEqual({ code: -32603, message: 'm', data })
})

it.each([-32601, -32602, -32603, -32000, -32023, 7])('passes %i of a modern server on', (code) => {
  const error = { code, message: 'm', data }
  expect(legacyError(error)).toEqual(error)
})
