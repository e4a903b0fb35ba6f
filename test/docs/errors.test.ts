import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { errorsPage } from './errors-page.js'

const path = fileURLToPath(new URL('../../docs/errors.md', import.meta.url))

it('docs/errors.md is what the table of errors says (UPDATE_DOCS=1 writes it)', () => {
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, errorsPage())
  expect(readFileSync(path, 'utf8')).toBe(errorsPage())
})
