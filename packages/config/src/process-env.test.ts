import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { parseEnvironment, variableNames } from './environment.js'
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

it.each(['ACCESS_TOKEN', 'CLUSTER_SECRET', 'PROXY_SECRET', 'REDIS_URL'])(
  'refuses %s beside a file of it, whichever is meant',
  (name) => {
    const env = withSecretFiles({ [name]: 'redis://own', [`${name}_FILE`]: '/nowhere' })
    expect(() => parseEnvironment(env)).toThrow(
      `${name} and ${name}_FILE are both set; set one of them`,
    )
  },
)

it('takes an empty variable beside a file of it, and what was read for all there is', () => {
  const file = fileWith('redis://a:1\n')
  const env = withSecretFiles({ REDIS_URL: '', REDIS_URL_FILE: file })
  expect(parseEnvironment(env).REDIS_URL).toBe('redis://a:1')
  expect(parseEnvironment({ REDIS_URL: 'redis://b:1', REDIS_URL_FILE: '' }).REDIS_URL).toBe(
    'redis://b:1',
  )
})

it('reads no other variable from a file', () => {
  expect(withSecretFiles({ PORT_FILE: '/nowhere' })).toEqual({ PORT_FILE: '/nowhere' })
})

it('reads no file without end', () => {
  expect(() => withSecretFiles({ ACCESS_TOKEN_FILE: '/dev/zero' })).toThrow(
    'ACCESS_TOKEN_FILE: cannot read /dev/zero (it is a device, and a regular file is needed); correct',
  )
})

it('names the variable and the file that cannot be read', () => {
  expect(() => withSecretFiles({ REDIS_URL_FILE: '/nowhere' })).toThrow(
    'REDIS_URL_FILE: there is no file /nowhere; create it, or correct REDIS_URL_FILE or leave it out',
  )
})

it('the README names every variable that is read', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  expect(variableNames.filter((name) => !readme.includes(`\`${name}\``))).toEqual([])
})
