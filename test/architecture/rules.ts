import { circlesOf } from './circles.js'
import type { Graph } from './circles.js'
import type { House, Package, Source } from './house.js'
import { exportsAll, importsOf, packageOf, readsEnvironment } from './syntax.js'

/** Rule finds what breaks it, one sentence each; nothing found: the rule holds. */
export type Rule = (house: House) => readonly string[]

/** The layers that docs/architecture.md draws, lowest first. */
const layers = [
  ['core', 'protocol'],
  ['store', 'upstream', 'config'],
  ['router', 'control', 'access', 'observe', 'nginx'],
  ['gateway'],
  ['cli', 'console'],
]
/** Stands outside of the layers: a program of its own, that new servers are copied from. */
const apart = 'example-server'
/** Stands above the layers: it may import every package, and only tests import it. */
const testkit = 'testkit'

const layerOf = (name: string): number => layers.findIndex((layer) => layer.includes(name))
const scope = '@mcp-router/'
const isTest = ({ path }: Source): boolean => /\.(test|contract|fixture)\.tsx?$/.test(path)

const sourcesOf = (house: House): readonly Source[] =>
  house.packages.flatMap(({ sources }) => sources)

const paths = (house: House, broken: (source: Source) => boolean): readonly string[] =>
  sourcesOf(house)
    .filter(broken)
    .map(({ path }) => path)

interface Edge {
  readonly from: Package
  readonly source: Source
  readonly to: string
  readonly told: string
}

/** edges are the imports between packages of this repository. */
const edges = (house: House): readonly Edge[] =>
  house.packages.flatMap((from) =>
    from.sources.flatMap((source) =>
      importsOf(source)
        .filter((specifier) => specifier.startsWith(scope))
        .map((specifier) => {
          const to = packageOf(specifier)?.slice(scope.length) ?? ''
          return { from, source, to, told: `${source.path} imports ${specifier}` }
        })
        .filter(({ to }) => to !== from.name),
    ),
  )

const tell = (house: House, broken: (edge: Edge) => boolean): readonly string[] =>
  edges(house)
    .filter(broken)
    .map(({ told }) => told)

export const everyPackageHasItsLayer: Rule = ({ packages }) =>
  packages
    .filter(({ name }) => name !== apart && name !== testkit && layerOf(name) < 0)
    .map(({ name }) => `packages/${name} is in no layer`)

export const noUpwardImport: Rule = (house) =>
  tell(house, ({ from, to }) => from.name !== testkit && layerOf(to) > layerOf(from.name))

export const noNeighbourImport: Rule = (house) =>
  tell(house, ({ from, to }) => layerOf(to) >= 0 && layerOf(to) === layerOf(from.name))

export const exampleServerStandsApart: Rule = (house) =>
  tell(house, ({ from, to }) => to === apart || (from.name === apart && to !== testkit))

export const onlyTestsImportTestkit: Rule = (house) =>
  tell(house, ({ source, to }) => to === testkit && !isTest(source))

/** What may be imported of a package beside the whole of it, so that a test loads no more than it uses. */
const rooms = 'testkit/[\\w-]+|gateway/listener'
const wholeOrRoom = new RegExp(` imports ${scope}([\\w-]+|${rooms})$`)

export const onlyPackagesAreImported: Rule = (house) =>
  tell(house, ({ told }) => !wholeOrRoom.test(told))

/** A relative path that leaves the package would get around all of the above. */
export const noImportByPath: Rule = (house) =>
  sourcesOf(house).flatMap((source) =>
    importsOf(source)
      .filter((specifier) => specifier.startsWith('.') && leavesPackage(source.path, specifier))
      .map((specifier) => `${source.path} imports ${specifier}`),
  )

const leavesPackage = (path: string, specifier: string): boolean => {
  const root = path.split('/').slice(0, 3).join('/')
  return !pathOf(path, specifier).startsWith(`${root}/`)
}

/** pathOf is what a relative import names, from the root of the repository. */
const pathOf = (path: string, specifier: string): string =>
  new URL(specifier, `file:///${path}`).pathname.slice(1)

/** A type counts, too: who reads one of these files has to read all. The name of its own package stands for its index.ts. */
export const noCircle: Rule = ({ packages }) =>
  packages.flatMap((each) =>
    circlesOf(graphOf(each)).map((circle) => `a circle of imports: ${circle.join(' → ')}`),
  )

const graphOf = ({ name, sources }: Package): Graph => {
  const root = `packages/${name}/src`
  const target = ({ path }: Source, specifier: string): readonly string[] => {
    if (specifier === scope + name) return [`${root}/index.ts`]
    if (!specifier.startsWith('.')) return []
    const built = pathOf(path, specifier)
    return [built.replace(/\.js$/, '.ts'), built.replace(/\.jsx?$/, '.tsx')]
  }
  const product = sources.filter((source) => !isTest(source))
  return new Map(
    product.map((source) => [
      source.path,
      importsOf(source).flatMap((specifier) => target(source, specifier)),
    ]),
  )
}

/** onlyIn lets the places name a package of npm, and nobody else. */
const onlyIn =
  (dependency: string, places: readonly string[]): Rule =>
  (house) =>
    paths(house, (source) => {
      if (places.some((place) => source.path.startsWith(place))) return false
      return importsOf(source).some((specifier) => packageOf(specifier) === dependency)
    })

export const ioredisHasItsPlaces: Rule = onlyIn('ioredis', [
  'packages/store/src/redis/',
  'packages/gateway/src/live.ts',
])

export const nginxConfHasItsPlace: Rule = onlyIn('nginx-conf', ['packages/nginx/'])

export const onlyConfigReadsTheEnvironment: Rule = (house) =>
  paths(house, (source) => {
    const { path } = source
    const mayRead = ['config', apart, testkit]
    if (mayRead.some((name) => path.startsWith(`packages/${name}/`))) return false
    return !isTest(source) && readsEnvironment(source)
  })

const maxLines = 300

export const noLongFile: Rule = (house) =>
  paths(house, ({ text }) => text.replace(/\n$/, '').split('\n').length > maxLines)

const mostLines = 200

/** Nine files of ten in each package are that short. */
export const mostFilesAreShort: Rule = (house) => {
  const packages = new Map<string, number[]>()
  for (const source of sourcesOf(house)) {
    if (isTest(source)) continue
    const name = source.path.split('/')[1] ?? ''
    const lines = source.text.replace(/\n$/, '').split('\n').length
    packages.set(name, [...(packages.get(name) ?? []), lines])
  }
  return [...packages].flatMap(([name, lines]) => {
    const ninth = lines.sort((a, b) => a - b)[Math.ceil(lines.length * 0.9) - 1] ?? 0
    return ninth > mostLines ? [`${name}: one file in ten is longer than ${ninth - 1} lines`] : []
  })
}

const maxFiles = 20

/** Tests and contracts stand beside what they are of, and do not count. */
export const noCrowdedFolder: Rule = (house) => {
  const folders = sourcesOf(house)
    .filter((source) => !isTest(source))
    .map(({ path }) => path.slice(0, path.lastIndexOf('/')))
  return [...new Set(folders)]
    .map((folder) => [folder, folders.filter((each) => each === folder).length] as const)
    .filter(([, count]) => count > maxFiles)
    .map(([folder, count]) => `${folder} has ${count} files`)
}

/**
 * Children belong to their process, however many Gateways are composed in it; what is noted of a value or of an Endpoint lives as long as that.
 */
const ofTheProcess = [
  'packages/upstream/src/unusable.ts',
  'packages/upstream/src/stdio/child.ts',
  'packages/upstream/src/stdio/departures.ts',
  'packages/protocol/src/exact-json.ts',
]

/** What a module keeps is shared by all that imports it, and nobody sees it: it belongs to what composition makes. A constant says so by its type. */
export const noCollectionOfAModule: Rule = (house) =>
  paths(house, (source) => {
    if (isTest(source) || ofTheProcess.includes(source.path)) return false
    return /^(export )?(const|let) \w+ = new (Weak)?(Map|Set)\b/m.test(source.text)
  })

export const noExportStar: Rule = (house) => paths(house, exportsAll)

const vague = new Set(
  ['util', 'helper', 'common', 'shared', 'manager', 'type'].flatMap((word) => [word, `${word}s`]),
)

/** `session-manager.ts`, `SessionManager.ts` and `types/session.ts` count, too. */
export const noVagueName: Rule = (house) =>
  paths(house, ({ path }) => {
    const words = path
      .split('/')
      .slice(2)
      .join('-')
      .split(/[-.]|(?=[A-Z])/)
    return words.some((word) => vague.has(word.toLowerCase()))
  })

export const everyImportIsDeclared: Rule = ({ packages, rootDevDependencies }) =>
  packages.flatMap(({ name, dependencies, devDependencies, sources }) =>
    sources.flatMap((source) => {
      const known = [`${scope}${name}`, ...dependencies]
      if (isTest(source)) known.push(...devDependencies, ...rootDevDependencies)
      return importsOf(source)
        .flatMap((specifier) => packageOf(specifier) ?? [])
        .filter((dependency) => !known.includes(dependency))
        .map((dependency) => `${source.path} imports ${dependency}, which package.json lacks`)
    }),
  )

export const everyDependencyIsImported: Rule = ({ packages }) =>
  packages.flatMap(({ name, dependencies, devDependencies, sources }) => {
    const used = (among: readonly Source[]): ReadonlySet<string | undefined> =>
      new Set(among.flatMap(importsOf).map(packageOf))
    const product = used(sources.filter((source) => !isTest(source)))
    const all = used(sources)
    const unused = [
      ...dependencies.filter((each) => !product.has(each)),
      ...devDependencies.filter((each) => !all.has(each)),
    ]
    return unused.map((each) => `packages/${name} depends on ${each} and does not import it`)
  })

export const everyPackageHasAReadme: Rule = ({ packages }) =>
  packages.filter(({ hasReadme }) => !hasReadme).map(({ name }) => `packages/${name}`)
