import { expect, it } from 'vitest'
import { createSessionHash, isSessionHash } from './session-hash.js'
import { newSessionId } from './ids.js'

const id = newSessionId()

it('names a session the same wherever the key is the same, and not by its id', () => {
  const name = createSessionHash('secret')(id)
  expect(createSessionHash('secret')(id)).toBe(name)
  expect(isSessionHash(name)).toBe(true)
  expect(name).not.toContain(id.slice(0, 8))
  expect(isSessionHash(id)).toBe(false)
})

it('cannot be made without the key, and differs by session', () => {
  const hash = createSessionHash('secret')
  expect(createSessionHash('other')(id)).not.toBe(hash(id))
  expect(hash(newSessionId())).not.toBe(hash(id))
})

it('leaves no session unnamed and names none that is not there', () => {
  const hash = createSessionHash('secret')
  const first = hash(id)
  for (let n = 0; n < 10_001; n++) hash(String(n))
  expect([hash(id), hash('')]).toEqual([first, ''])
})
