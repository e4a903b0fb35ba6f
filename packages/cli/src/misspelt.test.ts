import type { Env } from '@mcp-router/config'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { checkMachine } from './doctor/checks.js'
import { createProgram } from './program.js'
import { misspeltVariables } from './misspelt.js'

const warned = (env: Record<string, string>, text = ''): readonly string[] => {
  const folder = mkdtempSync(join(tmpdir(), 'misspelt-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'servers.yaml')
  writeFileSync(file, text)
  return misspeltVariables(env, file)
}

it.each([
  ['ACESS_TOKEN', 'ACCESS_TOKEN'],
  ['REDIS_URI', 'REDIS_URL'],
  ['ROUTER_INSTANCE', 'ROUTER_INSTANCES'],
  ['ROUTER_PORT', 'ROUTER_BASE_PORT'],
  ['MCP_SERVER_FILE', 'MCP_SERVERS_FILE'],
])('%s is probably %s', (typed, meant) => {
  expect(warned({ [typed]: 'x' })).toEqual([
    `mcp-router: the variable ${typed} is not read; did you mean ${meant}?`,
  ])
})

it.each(['ACCESS_TOKEN', 'ACCESS_TOKEN_FILE', 'SERVER_PORT', 'AWS_ACCESS_TOKEN', 'PATH', 'POST'])(
  'says nothing of %s',
  (name) => {
    expect(warned({ [name]: 'x' })).toEqual([])
  },
)

it.each([
  ['MCP_SERVER_FILE', 'MCP_SERVERS_FILE'],
  ['MCP_RUNDIR', 'MCP_RUN_DIR'],
])('%s is told where %s is set, too, as the scripts set it', (typed, meant) => {
  expect(warned({ [typed]: 'x', [meant]: 'y' })).toEqual([
    `mcp-router: the variable ${typed} is not read; did you mean ${meant}?`,
  ])
})

it('says nothing of what is only near to a variable that is set', () => {
  expect(warned({ MCP_RUN_SOMETHING: 'x', MCP_RUN_DIR: 'y' })).toEqual([])
  expect(warned({ ROUTER_PORT: 'x', ROUTER_BASE_PORT: '1' })).toEqual([])
})

it('does without the servers file', () => {
  expect(misspeltVariables({ MCP_SERVER_FILE: 'x' }, '/no/such/file')).toHaveLength(1)
})

it('says nothing of what the servers file reads, nor of a name without prefix beside the right one', () => {
  expect(warned({ REDIS_URI: 'x' }, 'servers: { a: { url: "${REDIS_URI}" } }')).toEqual([])
  expect(warned({ REDIS_URI: 'x', REDIS_URL: 'redis://h' })).toEqual([])
})

it.each([
  ['doctor', (env: Env) => checkMachine(env)],
  ['backends list', (env: Env) => createProgram(env).parseAsync(list, { from: 'user' })],
])('%s tells of them on stderr', async (_name, command) => {
  const folder = mkdtempSync(join(tmpdir(), 'misspelt-'))
  const file = join(folder, 'servers.yaml')
  writeFileSync(file, 'servers: { a: { url: "http://127.0.0.1:1/mcp" } }')
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  onTestFinished(() => {
    stdout.mockRestore()
    stderr.mockRestore()
    rmSync(folder, { recursive: true })
  })
  await command({ MCP_SERVERS_FILE: file, MCP_RUN_DIR: folder, MCP_SERVER_FILE: 'x' })
  expect(stderr.mock.calls.join('')).toContain('MCP_SERVER_FILE is not read')
})

const list = ['backends', 'list']
