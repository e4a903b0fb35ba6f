import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError } from './config-error.js'
import type { Env } from './environment.js'
import { loadGatewayConfig } from './load.js'
import { withSecretFiles } from './process-env.js'
import { readServers } from './servers-file/read.js'
import { quoted } from './without-credentials.js'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'without-credentials-'))
  file = join(folder, 'servers.yaml')
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('user and password of a URL', () => {
  it.each([
    ['http://u5er:hunter2@h:99999/', 'http://***@h:99999/'],
    ['ftp://u5er:hunter2@h/', 'ftp://***@h/'],
    ['http://u5er@h:99999/', 'http://***@h:99999/'],
    ['http://u5er:hunter2/hunter2@h:1/', 'http://***@h:1/'],
    ['http://u5er:hunter2@hunter2@h:99999/', 'http://***@h:99999/'],
    ['http://u5er:hunter2%40h:99999/', 'http://***@h:99999/'],
    ['http://u5er:hunter2?hunter2@h/', 'http://***'],
    ['http://u5er:hunter2#hunter2@h/', 'http://***'],
    ['http:u5er:hunter2@h:99999/', '***@h:99999/'],
    ['u5er:hunter2@h:99999/', '***@h:99999/'],
    ['http://h:99999/?key=hunter2', 'http://h:99999/?…'],
    ['http://u5er:hunter2@h:99999/?key=hunter2', 'http://***@h:99999/?…'],
  ])('are masked in what is not a URL: %s', (url, shown) => {
    writeFileSync(file, JSON.stringify({ servers: { a: { url } } }))
    const [problem] = readServers(file, {}).invalid[0]!.problems
    expect(problem).toContain(`server "a": "${shown}" is not a URL; `)
  })

  it.each([
    'servers: { a: { endpoints: [{ url: "http://h/", "http://u5er:hunter2@h/": x }] } }',
    'servers: { a: { url: "http://h/", deadline: "http://u5er:hunter2@h/" } }',
    'servers: { a: { url: "http://h/", transport: "http://u5er:hunter2@h/" } }',
    'servers: { a: { url: "http://h/", weight: "http://u5er:hunter2@h/" } }',
    'servers: { a: { command: x, args: [{ "http://u5er:hunter2@h/": x }] } }',
    'servers: { a: { command: x, env: { "http://u5er:hunter2@h/": [] } } }',
    'servers: { a: { command: x, user: "http://u5er:hunter2@h/" } }',
    'servers: { a: { command: x, envFile: "http://u5er:hunter2@h/" } }',
    'servers: { a: { url: "${1:-http://u5er:hunter2@h/}" } }',
    'servers: { a: { endpoints: ["http://u5er:hunter2@h/"] } }',
  ])('are in no mistake of a servers file: %s', (text) => {
    writeFileSync(file, text)
    const { invalid } = readServers(file, {})
    expect(invalid).toHaveLength(1)
    expect(JSON.stringify(invalid)).not.toMatch(/u5er|hunter2/)
  })

  it('are not in what a servers file has and nothing uses', () => {
    writeFileSync(file, 'servers: { a: { command: x, "http://u5er:hunter2@h/": x } }')
    expect(readServers(file, {}).unused).toMatch(/a\.http:\/\/\*\*\*@h\/$/)
  })

  const url = 'redis://u5er:hunter2@h:1/'
  it.each<Env>(
    [
      ...['PORT', 'HOST', 'INSTANCE_ID', 'LOG_LEVEL', 'MCP_STRICT', 'MCP_DRAIN_MS'],
      ...['ALLOWED_HOSTS', 'ALLOWED_ORIGINS', 'TRUSTED_PROXIES', 'MCP_AFFINITY'],
      ...['MCP_SERVERS_FILE', 'REDIS_URL_FILE'],
    ].map((name) => ({ [name]: url })),
  )('are in no mistake of a variable: %j', (env) => {
    expect(messageOf(env)).toMatch(/^(?!.*(u5er|hunter2))/s)
  })

  it.each<Env>([
    { REDIS_URL: 'redis:/u5er:hunter2@h' },
    { ALLOWED_ORIGINS: 'https://u5er:hunter2,hunter2@h/' },
    { ALLOWED_HOSTS: 'http://u5er:hunter2,hunter2@h/' },
    { TRUSTED_PROXIES: 'http://u5er:hunter2,hunter2@h/' },
  ])('are in no mistake of a variable that is no URL either: %j', (env) => {
    expect(messageOf(env)).toMatch(/^(?!.*(u5er|hunter2))/s)
  })

  const messageOf = (env: Env): string => {
    writeFileSync(file, 'servers: { a: { url: http://h/ } }')
    try {
      loadGatewayConfig(withSecretFiles({ MCP_SERVERS_FILE: file, ...env }))
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError)
      return String(error)
    }
    throw new Error('it was taken')
  }
})

it('leaves what has none as it is', () => {
  expect(quoted('http://h:99999/?x#y')).toBe('"http://h:99999/?x#y"')
})
