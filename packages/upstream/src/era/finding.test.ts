import { expect, it } from 'vitest'
import { findingFrom } from './finding.js'

const printed = /^\P{C}*$/u

it('takes out of what a server says the characters that a terminal would act on', () => {
  const told = { name: 'a\u001b[2J', version: '1\n2' }
  const meta = { 'io.modelcontextprotocol/serverInfo': told }
  const result = { supportedVersions: ['2026-07-28\u0007'], _meta: meta }
  const found = findingFrom(Buffer.from(JSON.stringify({ result })), 'server/discover')
  expect(found?.server).toEqual({ name: 'a [2J', version: '1 2' })
  expect(found?.revisions.join('')).toMatch(printed)
  const error = { code: -32601, message: 'no\u202e\u0000 such' }
  const refused = findingFrom(Buffer.from(JSON.stringify({ error })), 'server/discover')
  expect(refused?.sign).toBe('server/discover was refused: -32601 no  such')
})

it.each([{}, { supportedVersions: '2026-07-28' }])('says what is odd about %j', (result) => {
  const found = findingFrom(Buffer.from(JSON.stringify({ result })), 'server/discover')
  expect(found).toMatchObject({ era: 'legacy', sign: expect.stringMatching(/supportedVersions$/) })
})

it.each(['', 'null', '[]', '{"error":"no"}', '<h1>'])('makes nothing of %j', (text) => {
  expect(findingFrom(Buffer.from(text), 'server/discover')).toBeUndefined()
})
