import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
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
    `the variable ${typed} is not read; did you mean ${meant}?`,
  ])
})

it.each(['ACCESS_TOKEN', 'ACCESS_TOKEN_FILE', 'SERVER_PORT', 'AWS_ACCESS_TOKEN', 'PATH', 'POST'])(
  'says nothing of %s',
  (name) => {
    expect(warned({ [name]: 'x' })).toEqual([])
  },
)

it('says nothing of what the servers file reads, nor where the variable itself is set', () => {
  expect(warned({ REDIS_URI: 'x' }, 'servers: { a: { url: "${REDIS_URI}" } }')).toEqual([])
  expect(warned({ REDIS_URI: 'x', REDIS_URL: 'redis://h' })).toEqual([])
})
