import { describe, it } from 'vitest'
import { withConformanceFixture } from './fixture.js'
import { expectScore } from './score.js'
import { rows, told } from './rows.js'
import { runSuite } from './suite.js'

describe('the conformance fixture, called directly', () => {
  it.each(rows.map((row) => [told(row), row] as const))('%s', async (_, row) => {
    const { kind, version, scope } = row
    const run = (url: string) => runSuite({ url, version, scope })
    expectScore(await withConformanceFixture(kind, run), row)
  })
})
