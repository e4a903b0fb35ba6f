import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** NamedFile is a file that a document names in backticks, `sse/orphans.ts`. */
export interface NamedFile {
  readonly name: string
  /** The folder that the first cell of its table row names, as in `| sse/ | … |`; undefined elsewhere. */
  readonly folder: string | undefined
}

const fileName = /^(?:[\w.-]+\/)*[\w-][\w.-]*\.(?:ts|js|mjs|lua|sh|md|json|ya?ml|conf|html)$/

/** namedFiles are those that a document names outside of its code blocks. */
export const namedFiles = (text: string): readonly NamedFile[] =>
  text
    .replace(/^```[\s\S]*?^```/gm, '')
    .split('\n')
    .flatMap((line) => {
      const folder = /^\| `([\w/-]+)\/` \|/.exec(line)?.[1]
      return [...line.matchAll(/`([^`]+)`/g)]
        .map(([, name = '']) => ({ name, folder }))
        .filter(({ name }) => fileName.test(name))
    })

/**
 * isThere: a path counts from the root of the repository, from the folder of the document, or from `src` beside it; `sources` are more such
 * folders. A name without a folder may also be that of a file somewhere in the folder of its table row, else in one of the others.
 */
export const isThere = (
  root: string,
  document: string,
  { name, folder = '' }: NamedFile,
  sources: readonly string[] = [],
): boolean => {
  const home = dirname(document)
  const bases = [home, join(home, 'src'), ...sources].map((base) => join(root, base))
  if ([root, ...bases].some((base) => existsSync(join(base, name)))) return true
  if (name.includes('/')) return false
  return bases
    .map((base) => join(base, folder))
    .filter((base) => existsSync(base))
    .some((base) => filesBelow(base).some((path) => basename(path) === name))
}

const skipped = ['node_modules', 'dist', 'coverage']
const isOurs = (name: string) =>
  !skipped.includes(name) && (!name.startsWith('.') || name === '.github')

/** filesBelow are the paths of all files in a folder but those that are installed, built, or made at run time. */
export const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((each) => {
    if (each.isFile()) return [each.name]
    if (!each.isDirectory() || !isOurs(each.name)) return []
    return filesBelow(join(folder, each.name)).map((path) => join(each.name, path))
  })
