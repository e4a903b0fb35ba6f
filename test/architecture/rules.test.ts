import { describe, expect, it } from 'vitest'
import type { House, Package } from './house.js'
import * as rules from './rules.js'
import type { Rule } from './rules.js'

/** A house of one file, sound but for what the example says. */
const built = (path: string, text: string, change: Partial<Package> = {}): House => {
  const name = path.split('/')[1] ?? ''
  const sources = [{ path, text }]
  const sound = { name, dependencies: [], devDependencies: [], hasReadme: true, sources }
  return { packages: [{ ...sound, ...change }], rootDevDependencies: ['vitest'] }
}

/** A package `core` of these files, each with what it holds. */
const filled = (texts: Readonly<Record<string, string>>): House => {
  const sources = Object.entries(texts).map(([name, text]) => ({
    path: `packages/core/src/${name}.ts`,
    text,
  }))
  return built('packages/core/src/a.ts', '', { sources })
}

const lines = (count: number): string => 'const a = 1\n'.repeat(count)

describe('a rule goes red at', () => {
  it.each<[string, Rule, House]>([
    ['a package without layer', rules.everyPackageHasItsLayer, built('packages/misc/src/a.ts', '')],
    ...[
      "import { a } from '@mcp-router/router'",
      "import type { A } from '@mcp-router/router'",
      "export { a } from '@mcp-router/router'",
      "import '@mcp-router/router'",
      "const a = await import('@mcp-router/router')",
      "type A = import('@mcp-router/router').A",
      "import a = require('@mcp-router/router')",
      "const a = require('@mcp-router/router')",
      "const one = 1; import {\n  a,\n} from\n  '@mcp-router/router'",
    ].map((text): [string, Rule, House] => [
      `an upward import: ${text}`,
      rules.noUpwardImport,
      built('packages/store/src/a.ts', text),
    ]),
    [
      'protocol importing core',
      rules.noNeighbourImport,
      built('packages/protocol/src/a.ts', "import { a } from '@mcp-router/core'"),
    ],
    [
      'router importing access',
      rules.noNeighbourImport,
      built('packages/router/src/a.test.ts', "import { a } from '@mcp-router/access'"),
    ],
    [
      'example-server importing core',
      rules.exampleServerStandsApart,
      built('packages/example-server/src/a.ts', "import { a } from '@mcp-router/core'"),
    ],
    [
      'cli importing example-server',
      rules.exampleServerStandsApart,
      built('packages/cli/src/a.ts', "import { a } from '@mcp-router/example-server'"),
    ],
    [
      'product code importing testkit',
      rules.onlyTestsImportTestkit,
      built('packages/core/src/a.ts', "import { a } from '@mcp-router/testkit/server'"),
    ],
    [
      'a file of testkit',
      rules.onlyPackagesAreImported,
      built('packages/core/src/a.test.ts', "import { a } from '@mcp-router/testkit/server/a.js'"),
    ],
    [
      'an import from inside a package',
      rules.onlyPackagesAreImported,
      built('packages/router/src/a.ts', "import { a } from '@mcp-router/store/dist/a.js'"),
    ],
    [
      'a path into another package',
      rules.noImportByPath,
      built('packages/core/src/b/a.ts', "import { a } from '../../../router/src/a.js'"),
    ],
    ['a file that imports itself', rules.noCircle, filled({ a: "import './a.js'" })],
    [
      'a circle of two files, one of them for a type',
      rules.noCircle,
      filled({ a: "import { b } from './b.js'", b: "import type { A } from './a.js'" }),
    ],
    [
      'a circle through another folder and an export',
      rules.noCircle,
      filled({
        a: "import { b } from './b/b.js'",
        'b/b': "export { c } from '../c.js'",
        c: "type A = import('./a.js').A",
      }),
    ],
    [
      'a circle through the name of the package itself',
      rules.noCircle,
      filled({
        index: "export { a } from './a.js'",
        a: "import { b } from '@mcp-router/core'",
      }),
    ],
    [
      'ioredis beside store/src/redis',
      rules.ioredisHasItsPlaces,
      built('packages/store/src/a.ts', "import type { Redis } from 'ioredis'"),
    ],
    [
      'a file of ioredis in the gateway',
      rules.ioredisHasItsPlaces,
      built('packages/gateway/src/a.ts', "import { a } from 'ioredis/built/a.js'"),
    ],
    [
      'nginx-conf in the cli',
      rules.nginxConfHasItsPlace,
      built('packages/cli/src/a.ts', "import { NginxConfFile } from 'nginx-conf'"),
    ],
    ...[
      'const a = process.env.A',
      "const a = process['env']",
      'const { env } = process',
      'const { env: a } = process',
      'const a = globalThis.process.env',
      "import { env } from 'node:process'",
      "import { env as a } from 'process'",
      "import process from 'node:process'; const a = process.env",
      'const f = (process: A) => process.env; const a = process.env',
    ].map((text): [string, Rule, House] => [
      `the environment read: ${text}`,
      rules.onlyConfigReadsTheEnvironment,
      built('packages/router/src/a.ts', text),
    ]),
    ['301 lines', rules.noLongFile, built('packages/core/src/a.ts', lines(301))],
    [
      '21 files in a folder',
      rules.noCrowdedFolder,
      filled(Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`a${n}`, '']))),
    ],
    ...['const a = new Map()', 'export const a = new WeakMap<A, B>()', 'let a = new Set()'].map(
      (text): [string, Rule, House] => [
        `a collection of a module: ${text}`,
        rules.noCollectionOfAModule,
        built('packages/core/src/a.ts', text),
      ],
    ),
    ['export *', rules.noExportStar, built('packages/core/src/a.ts', "export * from './b.js'")],
    [
      'export * as',
      rules.noExportStar,
      built('packages/core/src/a.ts', "export * as b from './b.js'"),
    ],
    ...['types.ts', 'string-utils.ts', 'shared/a.ts', 'SessionManager.ts', 'helpers.test.ts'].map(
      (name): [string, Rule, House] => [
        name,
        rules.noVagueName,
        built(`packages/core/src/${name}`, ''),
      ],
    ),
    [
      'an import that package.json lacks',
      rules.everyImportIsDeclared,
      built('packages/config/src/a.ts', "import { z } from 'zod/v4'", { dependencies: ['yaml'] }),
    ],
    [
      'a dependency of the root in product code',
      rules.everyImportIsDeclared,
      built('packages/config/src/a.ts', "import { it } from 'vitest'"),
    ],
    [
      'a dependency that only a test imports',
      rules.everyDependencyIsImported,
      built('packages/config/src/a.test.ts', "import 'zod'", { dependencies: ['zod'] }),
    ],
    [
      'a package without README',
      rules.everyPackageHasAReadme,
      built('packages/core/src/a.ts', '', { hasReadme: false }),
    ],
  ])('%s', (_, rule, bad) => {
    expect(rule(bad)).toHaveLength(1)
  })
})

it('of circles that share a file the shortest is reported, file by file', () => {
  const house = filled({
    a: "import './b.js'; import './c.js'",
    b: "import './c.js'",
    c: "import './d.js'",
    d: "import './a.js'",
    e: "import './f.js'",
    f: "import './e.js'; import './a.js'",
  })
  const circle = (...names: readonly string[]): string =>
    `a circle of imports: ${names.map((name) => `packages/core/src/${name}.ts`).join(' → ')}`
  expect(rules.noCircle(house)).toEqual([circle('e', 'f', 'e'), circle('a', 'c', 'd', 'a')])
})

describe('a rule stays green at', () => {
  it.each<[string, Rule, House]>([
    [
      'an import downwards',
      rules.noUpwardImport,
      built('packages/router/src/a.ts', "import { a } from '@mcp-router/core'"),
    ],
    ...[rules.noUpwardImport, rules.onlyTestsImportTestkit, rules.onlyPackagesAreImported].flatMap(
      (rule): [string, Rule, House][] =>
        ['a.test', 'a.fixture', 'a.contract'].map((name) => [
          `testkit in ${name}.ts (${rule.name})`,
          rule,
          built(`packages/core/src/${name}.ts`, "import { a } from '@mcp-router/testkit/server'"),
        ]),
    ),
    [
      'testkit importing any package',
      rules.noUpwardImport,
      built('packages/testkit/src/a/a.ts', "import { a } from '@mcp-router/gateway'"),
    ],
    [
      'two ways to one file, which lead to no circle',
      rules.noCircle,
      filled({ a: "import './b.js'; import './c.js'", b: "import './c.js'", c: '' }),
    ],
    [
      'a test that is imported by what it tests',
      rules.noCircle,
      filled({ 'a.test': "import './a.js'", a: "import './a.test.js'" }),
    ],
    [
      'a comment and a text that look like an import',
      rules.noUpwardImport,
      built(
        'packages/core/src/a.ts',
        "// import '@mcp-router/cli'\nconst a = \"from '@mcp-router/cli'\"",
      ),
    ],
    [
      'a variable called process',
      rules.onlyConfigReadsTheEnvironment,
      built('packages/cli/src/a.ts', 'const f = (process: A) => g(process.env)'),
    ],
    [
      'a test that reads the environment',
      rules.onlyConfigReadsTheEnvironment,
      built('packages/cli/src/a.test.ts', 'const a = process.env'),
    ],
    ['300 lines', rules.noLongFile, built('packages/core/src/a.ts', lines(300))],
    [
      '20 files in a folder, and their tests',
      rules.noCrowdedFolder,
      filled(
        Object.fromEntries(
          Array.from({ length: 20 }, (_, n) => [`a${n}`, `a${n}.test`])
            .flat()
            .map((name) => [name, '']),
        ),
      ),
    ],
    [
      'a constant collection',
      rules.noCollectionOfAModule,
      built('packages/core/src/a.ts', 'const a: ReadonlySet<string> = new Set([1])'),
    ],
    [
      'a collection in a function',
      rules.noCollectionOfAModule,
      built('packages/core/src/a.ts', 'const a = () => {\n  const b = new Map()\n}'),
    ],
    [
      'a test that imports what the root has',
      rules.everyImportIsDeclared,
      built('packages/core/src/a.test.ts', "import { it } from 'vitest'"),
    ],
  ])('%s', (_, rule, good) => {
    expect(rule(good)).toEqual([])
  })
})
