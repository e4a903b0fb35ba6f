import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { checkMachine } from './checks.js'
import { report } from './command.js'

const servers = async (text: string): Promise<readonly string[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'servers.yaml')
  writeFileSync(file, text)
  const checks = await checkMachine({ MCP_SERVERS_FILE: file, MCP_RUN_DIR: folder })
  const own = report(checks.filter(({ what }) => what === 'servers file'))
  return own.slice(1).map((line) => line.replace(file, 'FILE').replace(/ +/g, ' '))
}

const right = 'a: { url: "http://127.0.0.1:1/mcp" }'

it('counts the servers of the servers file', async () => {
  expect(await servers(`servers: { ${right} }`)).toEqual(['servers file ok FILE (1)'])
})

it('warns of servers that are left out', async () => {
  expect(await servers(`servers: { ${right}, b: { url: 7 }, c: { nonsense: 1 } }`)).toEqual([
    'servers file wrong FILE: 1 served, 2 invalid',
    '',
    'To do:',
    ' servers file (optional): `scripts/mcp-router.sh backends list` shows what is wrong with each',
  ])
})

it('shows everything else beside a broken servers file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'servers.yaml')
  writeFileSync(file, 'servers: [')
  const checks = await checkMachine({ MCP_SERVERS_FILE: file, MCP_RUN_DIR: folder })
  const names = checks.map(({ what }) => what.replace(/ .*/, ''))
  expect(names).toEqual(expect.arrayContaining(['node', 'servers', 'run', 'redis', 'port']))
  expect(checks.find(({ what }) => what === 'servers file')?.problem).toContain(file)
})

it('looks for the pnpm of the project, whatever the current folder is', async () => {
  const checks = await checkMachine({ MCP_SERVERS_FILE: '/nowhere.yaml', MCP_RUN_DIR: '/tmp' })
  const { found = '' } = checks.find(({ what }) => what === 'pnpm') ?? {}
  // Undefined where this machine has none.
  expect(found === '' || isAbsolute(found)).toBe(true)
})
