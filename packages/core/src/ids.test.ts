import { describe, expect, it } from 'vitest'
import { asBackendName, asSessionId, newSessionId } from './ids.js'

describe('a session id', () => {
  it('is new each time, and one that a client may send', () => {
    const ids = Array.from({ length: 100 }, newSessionId)
    expect(new Set(ids).size).toBe(100)
    expect(ids.map(asSessionId)).toEqual(ids)
  })

  it.each(['', 'two words', 'é', 'tab\t', 'line\n', 'x'.repeat(129)])('is not %j', (text) => {
    expect(asSessionId(text)).toBeUndefined()
  })
})

describe('a backend name', () => {
  it.each(['weather', 'mcp-server-v6', 'a', 'A.b_c-1', '0', 'x'.repeat(64)])(
    'may be %s',
    (name) => {
      expect(asBackendName(name)).toBe(name)
    },
  )

  it.each(['', '-a', '.a', 'a/b', 'a b', 'é', 'a\n', 'x'.repeat(65)])('may not be %j', (name) => {
    expect(asBackendName(name)).toBeUndefined()
  })
})
