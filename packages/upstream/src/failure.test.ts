import { describe, expect, it } from 'vitest'
import { mayTryElsewhere } from './failure.js'
import { SessionLost } from './upstream.js'

describe('mayTryElsewhere', () => {
  it.each<[unknown, boolean]>([
    [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), true],
    [Object.assign(new Error('x'), { code: 'UND_ERR_CONNECT_TIMEOUT' }), true],
    [Object.assign(new Error('x'), { code: 'NO_HEALTHY_ENDPOINT' }), false],
    [Object.assign(new Error('x'), { code: 'ECONNRESET' }), false],
    [new SessionLost('e'), false],
    ['ECONNREFUSED', false],
  ])('of %o is %s: only what certainly never arrived', (error, may) => {
    expect(mayTryElsewhere(error)).toBe(may)
  })
})
