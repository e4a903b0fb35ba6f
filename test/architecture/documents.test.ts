import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { filesBelow, isThere, namedFiles } from './named-files.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }

const documents = filesBelow(root).filter((path) => path.endsWith('.md'))

/** Made by what the documents describe, so not in the repository. */
const made = ['try.mjs', 'supervisor.json', 'bench.json', 'nginx.conf', 'coverage/index.html']

/** Folders that a document tells its paths to be in. */
const wherePathsBegin: Readonly<Record<string, readonly string[]>> = {
  'docs/architecture.md': ['packages/router/src'],
  'test/chaos/README.md': ['test'],
}

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

  it('names only files that there are', () => {
    const sources = wherePathsBegin[document] ?? []
    const missing = namedFiles(text)
      .filter(({ name }) => !made.includes(name))
      .filter((named) => !isThere(root, document, named, sources))
    expect(missing.map(({ name }) => name)).toEqual([])
  })
})

it('every script that a person runs is in README or CONTRIBUTING', () => {
  const text = read('README.md') + read('CONTRIBUTING.md')
  const silent = Object.keys(scripts).filter(
    (name) => !new RegExp(`npm (run )?${name}(?![\\w:])`).test(text),
  )
  expect(silent).toEqual([])
})

/** What the first column of the tables of a document names. */
const namedIn = (document: string): readonly string[] =>
  [...read(document).matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  )

it('test/README.md lists the files of test/cluster, and no other', () => {
  const files = readdirSync(join(root, 'test/cluster')).flatMap(
    (name) => /^(.*)\.test\.ts$/.exec(name)?.[1] ?? [],
  )
  expect([...namedIn('test/README.md')].sort()).toEqual(files.sort())
})

it('test/load/README.md lists the rows of the benchmark', () => {
  const rows = [...read('test/load/rows.ts').matchAll(/^ {4}name: '(.*)',$/gm)].map(
    ([, name]) => name!,
  )
  expect(rows.length).toBeGreaterThan(5)
  const named = namedIn('test/load/README.md')
  expect(rows.filter((name) => !named.includes(name))).toEqual([])
})

/** As GitHub makes anchors of headings. */
const headings = (text: string): readonly string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replace(/\s/g, '-'),
  )
