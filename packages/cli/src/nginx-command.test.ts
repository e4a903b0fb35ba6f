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

it('refuses a port to redirect from without TLS', async () => {
  await expect(nginx('--redirect-port', '80')).rejects.toThrow(
    /^--redirect-port needs --tls-cert and --tls-key$/,
  )
  expect(said).toBe('')
})
