// Lays out the package `mcp-router` in a folder: the packages of this repository that the command line needs, built, in its node_modules as
// bundled dependencies, and their libraries as dependencies of its own.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const scope = '@mcp-router/'
const [stage] = process.argv.slice(2)
if (stage === undefined) throw new Error('usage: node scripts/pack/stage.mjs <folder>')

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))
const writeJson = (path, value) => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`)
const root = readJson('package.json')

/** What npm needs to know of each, and the folders that are read at run time. */
const packages = new Map()
const add = (name) => {
  if (packages.has(name)) return
  const from = join('packages', name)
  const manifest = readJson(join(from, 'package.json'))
  packages.set(name, { from, manifest })
  for (const each of Object.keys(manifest.dependencies ?? {}))
    if (each.startsWith(scope)) add(each.slice(scope.length))
}
add('cli')

const libraries = {}
for (const { manifest } of packages.values())
  for (const [name, version] of Object.entries(manifest.dependencies ?? {})) {
    if (name.startsWith(scope)) continue
    if (libraries[name] !== undefined && libraries[name] !== version)
      throw new Error(`${name} is wanted as ${libraries[name]} and as ${version}`)
    libraries[name] = version
  }

const isShipped = (path) => !/\.(tsbuildinfo|map|d\.ts)$|\.(test|contract|fixture)\.js$/.test(path)

for (const [name, { from, manifest }] of packages) {
  const to = join(stage, 'node_modules', scope + name)
  mkdirSync(to, { recursive: true })
  for (const folder of readdirSync(from).filter((each) => each === 'dist' || each === 'lua'))
    cpSync(join(from, folder), join(to, folder), { recursive: true, filter: isShipped })
  const { version, type, exports } = manifest
  writeJson(join(to, 'package.json'), {
    ...{ name: scope + name, version, type },
    exports: name === 'cli' ? { './main.js': './dist/main.js' } : builtOnly(exports),
  })
}

mkdirSync(join(stage, 'bin'))
writeFileSync(
  join(stage, 'bin', 'mcp-router.js'),
  `#!/usr/bin/env node\nimport '${scope}cli/main.js'\n`,
  { mode: 0o755 },
)
for (const file of ['LICENSE', 'CHANGELOG.md', 'docs'])
  cpSync(file, join(stage, file), { recursive: true })
cpSync('scripts/pack/readme.txt', join(stage, 'README.md'))
const configuration = readFileSync('packages/config/README.md', 'utf8')
writeFileSync(
  join(stage, 'docs', 'configuration.md'),
  configuration.replaceAll('](../../docs/', ']('),
)
writeJson(join(stage, 'package.json'), {
  name: root.name,
  version: root.version,
  description: root.description,
  license: root.license,
  type: 'module',
  engines: root.engines,
  bin: { 'mcp-router': 'bin/mcp-router.js' },
  dependencies: {
    ...Object.fromEntries([...packages.keys()].map((name) => [scope + name, root.version])),
    ...libraries,
  },
  bundleDependencies: [...packages.keys()].map((name) => scope + name),
})

function builtOnly(exports = {}) {
  return Object.fromEntries(Object.entries(exports).map(([path, to]) => [path, to.default]))
}
