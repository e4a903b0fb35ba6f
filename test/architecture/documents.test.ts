import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }

const documents = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
  'docs/errors.md',
  '.github/pull_request_template.md',
]

describe.each(documents)('%s', (document) => {
  const text = read(document)

  it('links only to files and sections that there are', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)]
    const broken = links.filter(([, path = '', section]) => {
      const target = path === '' ? document : join(dirname(document), path)
      if (!existsSync(join(root, target))) return true
      if (section === undefined) return false
      const file = target.endsWith('.md') ? target : join(target, 'README.md')
      return !headings(read(file)).includes(section)
    })
    expect(broken.map(([link]) => link)).toEqual([])
  })

  it('names only scripts that package.json has', () => {
    const named = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name!)
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([])
  })
})

it('every script that a person runs is in README or CONTRIBUTING', () => {
  const text = read('README.md') + read('CONTRIBUTING.md')
  const silent = Object.keys(scripts).filter(
    (name) => !new RegExp(`npm (run )?${name}(?![\\w:])`).test(text),
  )
  expect(silent).toEqual([])
})

/** As GitHub makes anchors of headings. */
const headings = (text: string): readonly string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replace(/\s/g, '-'),
  )
