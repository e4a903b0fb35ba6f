import { expect, it } from 'vitest'
import { legacyContent } from './content.js'

const link = {
  type: 'resource_link',
  uri: 'file:///a.txt',
  name: 'a',
  title: 'The A',
  description: 'all of it',
  mimeType: 'text/plain',
  annotations: { priority: 1 },
}
const audio = { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' }

it('writes a link as text where a revision has none', () => {
  expect(legacyContent(link, '2025-03-26')).toEqual({
    type: 'text',
    text: 'Resource: The A <file:///a.txt> (text/plain)\nall of it',
    annotations: { priority: 1 },
  })
  expect(
    legacyContent({ type: 'resource_link', uri: 'file:///a', name: 'a' }, '2024-11-05'),
  ).toEqual({ type: 'text', text: 'Resource: a <file:///a>' })
})

it('tells of sound where a revision has none', () => {
  expect(legacyContent(audio, '2024-11-05')).toEqual({
    type: 'text',
    text: '[Audio (audio/wav), which this revision of the protocol cannot carry]',
  })
})

it.each([
  [link, '2025-06-18'],
  [link, '2025-11-25'],
  [audio, '2025-03-26'],
  [{ type: 'text', text: 't' }, '2024-11-05'],
  [{ type: 'image', data: '', mimeType: 'image/png' }, '2024-11-05'],
  [{ type: 'resource', resource: { uri: 'u', text: 't' } }, '2024-11-05'],
  [{ type: 'unknown' }, '2024-11-05'],
  ['no block', '2024-11-05'],
])('leaves %j as it is in %s', (block, revision) => {
  expect(legacyContent(block, revision)).toBe(block)
})
