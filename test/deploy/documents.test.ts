import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from './recipe/tools.js'

// A command that a document names is run by a test, or is marked with what it needs: a block begins with `# needs: …`.

const folder = join(root, 'deploy')

/** The tests in this folder that run a command, which is known by how it begins. */
const proven: Readonly<Record<string, readonly string[]>> = {
  'pm2.test.ts': [
    'export REDIS_URL=',
    'pm2 start',
    'PM2_CONCURRENT_ACTIONS=1 pm2 reload',
    'pm2 kill',
  ],
  'systemd.test.ts': ['systemd-analyze verify', 'systemd-analyze security'],
  'composition.ts': ['deploy/compose/init.sh'],
  'monitoring.test.ts': ['promtool check rules', 'promtool test rules'],
  'docker-build.test.ts': ['MCP_TEST_BUILD=1 npm run test:cluster'],
  '.ci/run': ['scripts/deploy-tools.sh', 'npm run test:cluster -- test/deploy'],
}

const documents = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
  path.endsWith('.md'),
)

const blocksOf = (text: string): readonly string[] =>
  [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)

describe.each(documents)('deploy/%s', (document) => {
  const blocks = blocksOf(readFileSync(join(folder, document), 'utf8'))

  it('names commands that a test runs, or says what they need', () => {
    const begins = Object.values(proven).flat()
    const unproven = blocks
      .filter((block) => !block.startsWith('# needs: '))
      .flatMap((block) => block.trim().replaceAll('\\\n', '').split('\n'))
      .filter((line) => !line.startsWith('#') && !begins.some((begin) => line.startsWith(begin)))
    expect(unproven).toEqual([])
  })
})

it('lists as proven only what a document names', () => {
  const all = documents.map((each) => readFileSync(join(folder, each), 'utf8')).join('\n')
  const silent = Object.values(proven)
    .flat()
    .filter((begin) => !all.includes(begin))
  expect(silent).toEqual([])
})
