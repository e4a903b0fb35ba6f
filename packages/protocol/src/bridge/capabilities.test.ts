import { describe, expect, it } from 'vitest'
import { isInteractive, legacyCapabilities, modernCapabilities } from './capabilities.js'

const tasks = 'io.modelcontextprotocol/tasks'

describe('modernCapabilities', () => {
  it('keeps what both eras know, and what neither does', () => {
    const declared = {
      sampling: { tools: {}, context: {} },
      experimental: { x: {} },
      extensions: { 'example.com/ui': { a: 1 } },
      unknown: { y: 1 },
    }
    expect(modernCapabilities(declared)).toEqual(declared)
  })

  it('declares roots without news of them', () => {
    expect(modernCapabilities({ roots: { listChanged: true } })).toEqual({ roots: {} })
  })

  it('takes elicitation without modes for forms', () => {
    expect(modernCapabilities({ elicitation: {} })).toEqual({ elicitation: { form: {} } })
  })

  it.each([[{ url: {} }], [{ form: { applyDefaults: true }, url: {} }]])(
    'adds no mode to those declared: %j',
    (elicitation) => {
      expect(modernCapabilities({ elicitation })).toEqual({ elicitation })
    },
  )

  it('leaves tasks out, of either era', () => {
    const declared = { tasks: { list: {} }, extensions: { [tasks]: {}, 'example.com/ui': {} } }
    expect(modernCapabilities(declared)).toEqual({ extensions: { 'example.com/ui': {} } })
    expect(modernCapabilities({ extensions: { [tasks]: {} } })).toEqual({})
  })

  it.each([[true], [null], ['yes'], [[]]])('declares nothing for what is no object: %j', (bad) => {
    expect(modernCapabilities({ roots: bad, elicitation: bad })).toEqual({})
  })
})

describe('legacyCapabilities', () => {
  it('promises no news of roots', () => {
    expect(legacyCapabilities({ roots: { listChanged: true, x: 1 } })).toEqual({ roots: { x: 1 } })
  })

  it('leaves tasks out, of either era', () => {
    expect(legacyCapabilities({ tasks: {}, extensions: { [tasks]: {} } })).toEqual({})
  })

  it('keeps everything else', () => {
    const declared = {
      sampling: { tools: {} },
      elicitation: { form: {}, url: {} },
      extensions: { 'example.com/ui': {} },
      unknown: 1,
    }
    expect(legacyCapabilities(declared)).toEqual(declared)
  })
})

describe('isInteractive', () => {
  it.each([[{ elicitation: {} }], [{ sampling: {} }], [{ roots: {} }]])('is true of %j', (some) => {
    expect(isInteractive({ experimental: {}, ...some })).toBe(true)
  })

  it.each([[{}], [{ extensions: {}, tasks: {} }], [{ sampling: false, roots: null }]])(
    'is false of %j',
    (none) => {
      expect(isInteractive(none)).toBe(false)
    },
  )
})
