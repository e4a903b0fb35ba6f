import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { aSession } from '../session-store.contract.js'
import * as keys from './keys.js'
import { sessionRow } from './session-row.js'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

/** The keys that its table names, with `<>` for what stands in angle brackets. */
const documented = [...readme.matchAll(/^\| `(\{?mcp:[^`]*)` \|/gm)].map(([, key = '']) =>
  key.replace(/<[^>]+>/g, '<>'),
)

/** The keys that keys.ts makes; its SCAN patterns are none. */
const made = Object.entries(keys)
  .filter(([name]) => name.endsWith('Key') && !name.startsWith('any'))
  .map(([, key]) => (typeof key === 'string' ? key : (key as (part: string) => string)('<>')))

it('the table of the README names each key that is made, and no other', () => {
  expect(documented.toSorted()).toEqual(made.toSorted())
})

it('the table of the README names each field of a session', () => {
  const [, fields = ''] = /^\| `mcp:sessions:<id>` \| HASH `([^`]*)`/m.exec(readme) ?? []
  const written = Object.keys(sessionRow(aSession({ cookies: 'a=b' })))
  expect(fields.split(' ').toSorted()).toEqual(written.toSorted())
})
