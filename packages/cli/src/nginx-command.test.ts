import { makeProxySecret } from '@mcp-router/config'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createProgram } from './program.js'

let folder: string
let env: Record<string, string>
let said: string
let complained: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nginx-command-'))
  env = { MCP_RUN_DIR: folder, MCP_SERVERS_FILE: join(folder, 'servers.yaml') }
  writeFileSync(join(folder, 'servers.yaml'), 'servers: { a: { url: "http://127.0.0.1:1/mcp" } }')
  said = complained = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said += String(text)
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    complained += String(text)
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

const nginx = (...args: readonly string[]): Promise<unknown> =>
  createProgram(env).parseAsync(['nginx', ...args], { from: 'user' })

describe('the proxy secret', () => {
  it('that is missing is told apart from the configuration', async () => {
    await nginx()
    expect(said).toContain('proxy_pass')
    expect(complained).toBe(
      `no proxy secret in ${folder}: POSTs are not sent to a second instance; start the cluster first or set PROXY_SECRET\n`,
    )
  })

  it.each([
    ['of the run directory', () => makeProxySecret(folder)],
    ['of PROXY_SECRET', () => (env['PROXY_SECRET'] = 'a-secret-of-a-test')],
  ])('%s is in the configuration', async (_, make) => {
    const secret = make()
    await nginx()
    expect(said).toContain(secret)
    expect(complained).toBe('')
  })
})

it('names each default once in its help', () => {
  const help = createProgram(env)
    .commands.find((each) => each.name() === 'nginx')
    ?.helpInformation()
  expect(help).toContain('(default: those of the cluster)')
  expect(help).not.toContain('[]')
})

it('shows a way to install it that only its owner can read', () => {
  let help = ''
  const command = createProgram(env).commands.find((each) => each.name() === 'nginx')
  command?.configureOutput({ writeOut: (text) => (help += text) }).outputHelp()
  expect(help).toContain('nginx | sudo install -m 600 /dev/stdin /etc/nginx/conf.d/mcp-router.conf')
  expect(help).not.toContain('nginx >')
})

describe('beyond loopback', () => {
  const warning = /^--listen 0\.0\.0\.0 is reachable .* 403 .* set ACCESS_TOKEN/

  it('warns without an access token, beside the configuration', async () => {
    makeProxySecret(folder)
    await nginx('--listen', '0.0.0.0:80')
    expect(complained).toMatch(warning)
    expect(said).toContain('listen 0.0.0.0:80')
  })

  it.each([
    ['with one', '0.0.0.0:80', 'an-access-token-of-a-test'],
    ['of loopback', '127.0.0.2:80', ''],
    ['of IPv6 loopback', '[::1]:80', ''],
    ['of localhost', 'localhost:80', ''],
  ])('says nothing %s', async (_, listen, token) => {
    makeProxySecret(folder)
    env['ACCESS_TOKEN'] = token
    await nginx('--listen', listen)
    expect(complained).toBe('')
  })
})

it('refuses a port to redirect from without TLS', async () => {
  await expect(nginx('--redirect-port', '80')).rejects.toThrow(
    /^--redirect-port needs --tls-cert and --tls-key$/,
  )
  expect(said).toBe('')
})

it('names a DNS server for instances that come and go, and a log without queries', async () => {
  const instances = ['--instance', 'router:8051', '--resolver', '127.0.0.11']
  await nginx(...instances, '--access-log', '/var/log/nginx/access.log')
  expect(said).toContain('resolver 127.0.0.11 valid=1s;')
  expect(said).toContain('server router:8051 resolve max_fails=1')
  expect(said).toMatch(/access_log '?\/var\/log\/nginx\/access\.log'? mcp_router;/)
})

it('refuses what is no DNS server', async () => {
  await expect(nginx('--resolver', 'a; b')).rejects.toThrow(
    /^resolver "a; b" is not host or host:port$/,
  )
})
