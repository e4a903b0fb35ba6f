import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { freePorts } from '@mcp-router/testkit/process'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const everything = join(root, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js')

let home: string

/** mcpRouter runs the installed command in a folder that knows nothing of the project. */
const mcpRouter = async (folder: string, args: readonly string[], env = {}): Promise<string> => {
  const path = [join(home, 'bin'), process.env['PATH']].join(delimiter)
  const { stdout } = await run('mcp-router', [...args], {
    cwd: folder,
    env: { PATH: path, HOME: home, ...env },
  })
  return stdout
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'packed-'))
  await run(join(root, 'scripts/pack.sh'), [home], { cwd: tmpdir() })
  const { version } = JSON.parse(
    (await run('node', ['-p', 'JSON.stringify(require("./package.json"))'], { cwd: root })).stdout,
  ) as { version: string }
  const file = join(home, `mcp-router-${version}.tgz`)
  const flags = ['--prefix', home, '--no-audit', '--no-fund', '--ignore-scripts']
  await run('npm', ['install', '--global', ...flags, file])
  return () => rmSync(home, { recursive: true })
}, 180_000)

describe('the package, installed globally', () => {
  it('makes a folder, and runs a cluster there that serves its servers', async () => {
    const config = { mcpServers: { mine: { command: process.execPath, args: [everything] } } }
    writeFileSync(join(home, 'client.json'), JSON.stringify(config))
    const made = await mcpRouter(home, ['init', 'made', '--import', 'client.json'])
    expect(made).toMatch(/^wrote made\/mcp-servers\.yaml: mine\n/)
    expect(made).toContain('cd made && mcp-router cluster start')

    const folder = join(home, 'made')
    const first = await freePorts(3)
    const env = {
      GATEWAY_PORT: `${first}`,
      ROUTER_BASE_PORT: `${first + 1}`,
      ROUTER_INSTANCES: '2',
    }
    onTestFinished(async () => {
      await mcpRouter(folder, ['cluster', 'stop'], env)
    })
    const started = await mcpRouter(folder, ['cluster', 'start'], env)
    expect(started).toContain(`mcp-router verify http://127.0.0.1:${first}`)
    // Commands of a clone would be no use here.
    expect(started).not.toMatch(/scripts\/|npm (start|run)/)
    expect(await mcpRouter(folder, ['verify'], env)).toMatch(/\nall is well\n$/)

    const answer = await fetch(`http://127.0.0.1:${first}/mcp/router/route/mine`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{ jsonrpc: '2.0', id: 1, method: 'tools/call' },
        params: { name: 'echo', arguments: { message: 'hi' } },
      }),
    })
    expect(await answer.text()).toContain('Echo: hi')
  })

  it('has the pages that its README names', () => {
    const installed = join(home, 'lib/node_modules/mcp-router')
    const readme = readFileSync(join(installed, 'README.md'), 'utf8')
    const pages = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, page = '']) => page)
    expect(pages).toContain('docs/configuration.md')
    expect(pages.filter((page) => !existsSync(join(installed, page)))).toEqual([])
  })

  it('names only itself in its help', async () => {
    for (const command of ['init', 'serve', 'cluster', 'nginx', 'backends', 'sessions', 'doctor'])
      expect(await mcpRouter(home, [command, '--help'])).not.toMatch(/scripts\/|npm run/)
  })
})
