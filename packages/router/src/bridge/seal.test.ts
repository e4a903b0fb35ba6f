import { afterEach, describe, expect, it, vi } from 'vitest'
import { createSeal } from './seal.js'

afterEach(() => vi.useRealTimers())

const bound = { principal: 'ada', backend: 'weather', method: 'tools/call', params: { name: 't' } }
const ticket = { instance: 'router-instance-1', call: 'c' }

describe('a seal', () => {
  it('is opened by whoever has the secret, and by nobody else', () => {
    const state = createSeal('secret', 1_000).seal(ticket, bound)
    expect(createSeal('secret', 1_000).open(state, bound)).toEqual(ticket)
    expect(createSeal('other', 1_000).open(state, bound)).toBeUndefined()
  })

  it('says nothing to who cannot open it, and is never the same', () => {
    const seal = createSeal('secret', 1_000)
    const states = [seal.seal(ticket, bound), seal.seal(ticket, bound)]
    expect(states[0]).not.toBe(states[1])
    for (const state of states) {
      const text = Buffer.from(state.replace('mcpr1.', ''), 'base64url').toString('latin1')
      expect(text).not.toContain('router-instance')
    }
  })

  it('expires', () => {
    vi.useFakeTimers()
    const seal = createSeal('secret', 1_000)
    const state = seal.seal(ticket, bound)
    vi.advanceTimersByTime(999)
    expect(seal.open(state, bound)).toEqual(ticket)
    vi.advanceTimersByTime(1)
    expect(seal.open(state, bound)).toBeUndefined()
  })

  it('is spelled in one way only', () => {
    const seal = createSeal('secret', 1_000)
    const state = seal.seal(ticket, bound)
    for (const other of [`${state}=`, `${state} `, state.replace('.', '.\n')]) {
      expect(seal.open(other, bound)).toBeUndefined()
    }
  })

  it('holds for a retry, whose envelope, answers and state are its own', () => {
    const seal = createSeal('secret', 1_000)
    const requestState = seal.seal(ticket, bound)
    const params = { ...bound.params, _meta: { a: 1 }, inputResponses: {}, requestState }
    expect(seal.open(requestState, { ...bound, params })).toEqual(ticket)
  })

  it.each([
    ['principal', { principal: 'bob' }],
    ['backend', { backend: 'other' }],
    ['method', { method: 'prompts/get' }],
    ['params', { params: { name: 't', more: undefined, a: null } }],
  ])('is of one %s', (_, other) => {
    const seal = createSeal('secret', 1_000)
    expect(seal.open(seal.seal(ticket, bound), { ...bound, ...other })).toBeUndefined()
  })
})
