import { readServers } from '@mcp-router/config'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findClientFiles } from './client-files.js'
import { init, readClientFile } from './init.js'

const folderOf = (files: Readonly<Record<string, string>> = {}): string => {
  const folder = mkdtempSync(join(tmpdir(), 'init-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

describe('init', () => {
  it('writes a servers file that the router reads', () => {
    const folder = folderOf()
    const said = init({ folder: join(folder, 'new'), files: [], example: true }, {})
    const path = join(folder, 'new', 'mcp-servers.yaml')
    expect(readServers(path, {}).backends.map(({ name }) => name)).toEqual(['everything'])
    expect(said.join('\n')).toContain('http://127.0.0.1:8051/mcp/everything')
  })

  it('takes over servers as their client has them, for its user alone to read', () => {
    const text = `{ // a comment
      "mcpServers": {
        "files": {"command": "npx", "args": ["-y", "x", "007"], "env": {"TOKEN": "\${T}"}},
        "web site": {"type": "http", "url": "https://example.com/mcp"}
      }}`
    const folder = folderOf({ '.cursor/mcp.json': text })
    const [found] = findClientFiles({ HOME: folder }, join(folder, 'elsewhere'), 'linux')
    expect(found?.client).toBe('Cursor')
    init({ folder, files: found ? [found] : [], example: false }, {})
    const path = join(folder, 'mcp-servers.yaml')
    const { backends, invalid } = readServers(path, { T: 'secret' })
    expect(invalid).toEqual([])
    expect(backends.map(({ name }) => name)).toEqual(['files', 'web-site'])
    expect(backends[0]?.endpoints[0]).toMatchObject({ command: 'npx', args: ['-y', 'x', '007'] })
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('says what of the servers needs a look', () => {
    const servers = {
      gone: { comand: 'x' },
      'my notes': { command: './bin/notes' },
      web: { url: 'https://example.com/mcp' },
    }
    const folder = folderOf()
    const said = init({ folder, files: [{ path: 'a', servers }], example: false }, {}).join('\n')
    expect(said).toMatch(/"gone" is left out: .*comand/)
    expect(said).toContain('"my notes" has a relative path')
    expect(said).toContain('/mcp/router/route/my-notes ')
  })

  it('names the ports that this shell has', () => {
    const env = { ROUTER_BASE_PORT: '9051', GATEWAY_PORT: '9080' }
    const said = init({ folder: folderOf(), files: [], example: true }, env).join('\n')
    expect(said).toContain('http://127.0.0.1:9051/mcp/everything')
    expect(said).toContain('http://127.0.0.1:9080')
  })

  it('changes no servers file that is there', () => {
    const folder = folderOf({ 'mcp-servers.yaml': 'mine' })
    expect(() => init({ folder, files: [], example: true }, {})).toThrow(
      /mcp-servers\.yaml exists, and nothing was changed/,
    )
    expect(readFileSync(join(folder, 'mcp-servers.yaml'), 'utf8')).toBe('mine')
  })

  it('writes nothing where there is nothing to serve', () => {
    const folder = folderOf()
    expect(() => init({ folder, files: [], example: false }, {})).toThrow('--example adds a server')
  })
})

describe('files of MCP clients', () => {
  const one = '{"mcpServers": {"a": {"url": "http://127.0.0.1:1/mcp"}}}'

  it.each([
    ['linux', '.config/Claude/claude_desktop_config.json', 'Claude Desktop'],
    ['darwin', 'Library/Application Support/Claude/claude_desktop_config.json', 'Claude Desktop'],
    ['win32', 'AppData/Roaming/Claude/claude_desktop_config.json', 'Claude Desktop'],
    ['linux', '.claude.json', 'Claude Code'],
    ['linux', '.codeium/windsurf/mcp_config.json', 'Windsurf'],
    ['linux', 'project/.vscode/mcp.json', 'VS Code (project)'],
  ])('are found on %s at %s', (platform, path, client) => {
    const home = folderOf({ [path]: one })
    const found = findClientFiles({ HOME: home }, join(home, 'project'), platform)
    expect(found).toEqual([
      {
        client,
        path: join(home, path),
        servers: { a: { url: 'http://127.0.0.1:1/mcp' } },
      },
    ])
  })

  it('are passed over where they hold no server', () => {
    const home = folderOf({ '.claude.json': '{"theme": "dark"}', '.cursor/mcp.json': '{{{' })
    expect(findClientFiles({ HOME: home }, home, 'linux')).toEqual([])
  })

  it.each([
    ['{{{', /not valid YAML or JSON/],
    ['{"mcpServers": {}}', /has no servers/],
  ])('that are named must hold some: %s', (text, expected) => {
    const folder = folderOf({ 'a.json': text })
    expect(() => readClientFile(join(folder, 'a.json'))).toThrow(expected)
  })

  it('that are named must be there', () => {
    expect(() => readClientFile('/nowhere/a.json')).toThrow(
      /reading the servers of an MCP client: ENOENT.*nowhere/,
    )
  })
})
