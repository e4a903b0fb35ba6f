import { describe, expect, it } from 'vitest'
import { selfTimes } from './cpu-profile.js'

const frame = (functionName: string, url = '', lineNumber = 0) => ({
  functionName,
  url,
  lineNumber,
})

const nodes = [
  { id: 1, callFrame: frame('(idle)') },
  { id: 2, callFrame: frame('writev') },
  { id: 3, callFrame: frame('relay', 'file:///x/packages/router/dist/relay.js', 9) },
  {
    id: 4,
    callFrame: frame('_resume', 'file:///x/node_modules/.pnpm/u@7/node_modules/undici/lib/a.js'),
  },
]

describe('the self times of a profile', () => {
  it('are shares of the time not idle, by package and by function', () => {
    const samples = [1, 2, 3, 4, 3]
    const timeDeltas = [500, 30, 30, 10, 30]
    const { byArea, byFunction } = selfTimes({ nodes, samples, timeDeltas }, 1)
    expect(byArea).toEqual([
      ['router', 0.6],
      ['writev', 0.3],
      ['undici', 0.1],
    ])
    expect(byFunction[0]).toEqual(['relay  router/dist/relay.js:10', 0.6])
  })

  it('leave out the start of the process', () => {
    const profile = { nodes, samples: [2, 3], timeDeltas: [5_000_000, 1_000_000] }
    expect(selfTimes(profile, 1).byArea).toEqual([['router', 1]])
  })
})
