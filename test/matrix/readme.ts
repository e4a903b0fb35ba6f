import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const readme = fileURLToPath(new URL('../../README.md', import.meta.url))
const from = '<!-- matrix: written by test/matrix -->'
const to = '<!-- /matrix -->'

/** readmeTable is what the README tells of the matrix, between its two marks. */
export const readmeTable = (): string => split().table

/** writeReadmeTable puts a table in its place. */
export const writeReadmeTable = (table: string): void => {
  const { before, after } = split()
  writeFileSync(readme, `${before}${from}\n\n${table}\n\n${to}${after}`)
}

const split = (): { readonly before: string; readonly table: string; readonly after: string } => {
  const text = readFileSync(readme, 'utf8')
  const [before, rest] = text.split(from)
  const [table, after] = rest?.split(to) ?? []
  if (before === undefined || table === undefined || after === undefined)
    throw new Error(`README.md has no ${from} … ${to}`)
  return { before, table: table.trim(), after }
}
