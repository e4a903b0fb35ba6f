import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Source is one TypeScript file of a package, as the rules see it. */
export interface Source {
  /** From the root of the repository, with `/`: `packages/core/src/ids.ts`. */
  readonly path: string
  readonly text: string
}

/** Package is one folder of `packages/`. */
export interface Package {
  /** The folder's name, `core`. */
  readonly name: string
  readonly dependencies: readonly string[]
  readonly devDependencies: readonly string[]
  readonly hasReadme: boolean
  readonly sources: readonly Source[]
}

/** House is what the rules are about: all packages, and what the root offers to every test. */
export interface House {
  readonly packages: readonly Package[]
  readonly rootDevDependencies: readonly string[]
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

export const readHouse = (root: string): House => {
  const folders = readdirSync(join(root, 'packages'), { withFileTypes: true })
  const names = folders.filter((each) => each.isDirectory()).map((each) => each.name)
  return {
    // A folder without a manifest is what git left behind of another branch, no package.
    packages: names
      .filter((name) => existsSync(join(root, 'packages', name, 'package.json')))
      .map((name) => readPackage(root, name)),
    rootDevDependencies: Object.keys(manifestIn(root).devDependencies ?? {}),
  }
}

const readPackage = (root: string, name: string): Package => {
  const folder = join(root, 'packages', name)
  const { dependencies = {}, devDependencies = {} } = manifestIn(folder)
  return {
    name,
    dependencies: Object.keys(dependencies),
    devDependencies: Object.keys(devDependencies),
    hasReadme: existsSync(join(folder, 'README.md')),
    sources: readSources(root, `packages/${name}/src`),
  }
}

const manifestIn = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest // npm's own format

const readSources = (root: string, folder: string): readonly Source[] => {
  if (!existsSync(join(root, folder))) return []
  const found = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  return found
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => ({
      path: `${folder}/${name.replaceAll('\\', '/')}`,
      text: readFileSync(join(root, folder, name), 'utf8'),
    }))
}
