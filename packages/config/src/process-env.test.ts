import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { variableNames } from './environment.js'
import { withSecretFiles } from './process-env.js'

const fileWith = (text: string): string => {
  const folder = mkdtempSync(join(tmpdir(), 'secret-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'secret'), text)
  return join(folder, 'secret')
}

it.each(['ACCESS_TOKEN', 'CLUSTER_SECRET', 'REDIS_URL'])('reads %s from a file', (name) => {
  expect(withSecretFiles({ [`${name}_FILE`]: fileWith('secret\n') })[name]).toBe('secret')
})

it('prefers the variable itself', () => {
  const env = { ACCESS_TOKEN: 'own', ACCESS_TOKEN_FILE: '/nowhere' }
  expect(withSecretFiles(env).ACCESS_TOKEN).toBe('own')
})

it('reads no other variable from a file', () => {
  expect(withSecretFiles({ PORT_FILE: '/nowhere' })).toEqual({ PORT_FILE: '/nowhere' })
})

it('reads no file without end', () => {
  expect(() => withSecretFiles({ ACCESS_TOKEN_FILE: '/dev/zero' })).toThrow(
    'ACCESS_TOKEN_FILE: cannot read /dev/zero (it is larger than 4194304 bytes); correct',
  )
})

it('names the variable and the file that cannot be read', () => {
  expect(() => withSecretFiles({ REDIS_URL_FILE: '/nowhere' })).toThrow(
    'REDIS_URL_FILE: cannot read /nowhere (ENOENT); correct REDIS_URL_FILE or leave it out',
  )
})

it('the README names every variable that is read', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  expect(variableNames.filter((name) => !readme.includes(`\`${name}\``))).toEqual([])
})
