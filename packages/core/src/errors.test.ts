import { describe, expect, it } from 'vitest'
import { asRouterError, reasonOf, RouterError, shortReason } from './errors.js'

describe('a RouterError', () => {
  it('has the status, the code and the text of its row', () => {
    const cause = new Error('connect ECONNREFUSED')
    const error = new RouterError('NO_HEALTHY_ENDPOINT', { backend: 'weather', reason: 'r' }, cause)
    expect(error).toMatchObject({ code: 'NO_HEALTHY_ENDPOINT', status: 503, rpc: -31503 })
    expect(error.message).toBe(
      'No endpoint of server "weather" can be reached (r); check that the server is running',
    )
    expect([error.retryAfterS, error.cause]).toEqual([2, cause])
  })

  it('says what there is, and nothing where nothing is known', () => {
    const known = ['weather', 'notes']
    const { message } = new RouterError('BACKEND_UNKNOWN', { backend: 'x', known })
    expect(message).toContain('known are weather, notes;')
    expect(new RouterError('BACKEND_UNKNOWN', { backend: 'x', known: [] }).message).toContain(
      'none;',
    )
    expect(new RouterError('STORE_UNAVAILABLE').message).not.toContain('(')
    expect(new RouterError('INTERNAL')).not.toHaveProperty('cause')
  })
})

describe('anything thrown', () => {
  it('stays what it is when it is a RouterError', () => {
    const error = new RouterError('DRAINING')
    expect(asRouterError(error)).toBe(error)
  })

  it.each([[new TypeError('secret')], ['text'], [null]])('is internal otherwise: %o', (thrown) => {
    const error = asRouterError(thrown)
    expect(error).toMatchObject({ code: 'INTERNAL', status: 500, cause: thrown })
    expect(error.message).not.toContain('secret')
  })

  it.each([
    [new Error('no route'), 'no route'],
    [Object.assign(new Error(''), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    [new TypeError(''), 'TypeError'],
    ['text', 'text'],
  ])('has a reason: %o', (thrown, reason) => {
    expect(reasonOf(thrown)).toBe(reason)
  })

  it('has no sentence around its short reason', () => {
    const error = new RouterError('NO_HEALTHY_ENDPOINT', { backend: 'weather', reason: 'refused' })
    expect(shortReason(error)).toBe('refused')
    expect(shortReason(new RouterError('DRAINING'))).toContain('shutting down')
  })
})
