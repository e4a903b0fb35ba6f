import type { Endpoint } from '@mcp-router/core'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readServers } from './read.js'

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url))
const env = {
  HOME: '/home/ada',
  SENTRY_TOKEN: 's',
  GITHUB_TOKEN: 'g',
  DB_USER: 'ada',
  LINEAR_TOKEN: 'l',
  FIGMA_TOKEN: 'f',
  DISCOVERY_TOKEN: 'd',
  TOOLS_KEY: 't',
  JIRA_TOKEN: 'j',
  GDRIVE_KEY: 'k',
}

/** What a file of this program comes to: each server with what it is reached by. */
const read = (file: string) => {
  const { backends, unused, unenforced } = readServers(join(fixtures, file), env, { strict: true })
  const servers = Object.fromEntries(
    backends.map(({ name, endpoints }) => [name, plain(endpoints[0]!)]),
  )
  const restricts = unenforced?.replace(/^NOT enforced in .*?: /, '')
  return { servers, unused: unused?.replace(/^.*?: /, ''), unenforced: restricts }
}

const plain = (endpoint: Endpoint): object => {
  if (endpoint.transport !== 'stdio') {
    const { transport, url, headers } = endpoint
    return { transport, url, headers }
  }
  const { command, args, env: own } = endpoint
  return { run: [command, ...args], env: own }
}

describe('the file of another MCP program loads as it is', () => {
  it('Claude Desktop', () => {
    expect(read('claude-desktop.json')).toEqual({
      servers: {
        filesystem: {
          run: ['npx', '-y', '@modelcontextprotocol/server-filesystem', '/home/ada/notes'],
          env: { NODE_ENV: 'production' },
        },
        'Windows-Notes': { run: ['npx', '-y', '@example/notes-mcp'], env: {} },
      },
      unused: 'globalShortcut, preferences; "Windows Notes" is served as "Windows-Notes"',
    })
  })

  it('Claude Code', () => {
    expect(read('claude-code.json')).toEqual({
      servers: {
        sentry: {
          transport: 'http',
          url: 'https://sentry.example/mcp',
          headers: { authorization: 'Bearer s' },
        },
        asana: { transport: 'sse', url: 'https://asana.example/sse', headers: {} },
        local: { run: ['node', 'server.js'], env: {} },
      },
      unused:
        'sentry.timeout, sentry.alwaysLoad, asana.oauth; instead of a timeout, set "deadline" (seconds)',
    })
  })

  it('VS Code', () => {
    const root = dirname(join(fixtures, 'x'))
    expect(read('vscode.jsonc')).toEqual({
      servers: {
        github: {
          transport: 'http',
          url: 'https://github.example/mcp/',
          headers: { authorization: 'Bearer g' },
        },
        'io.example-db': {
          run: ['uvx', 'db-mcp', '--root', `${root}/data`, '--user', 'ada'],
          env: { DB_PASSWORD: 'of the file' },
        },
      },
      unused:
        'inputs, io.example/db.dev, io.example/db.gallery, io.example/db.version; "io.example/db" is served as "io.example-db"',
    })
  })

  it('Cursor', () => {
    const root = dirname(join(fixtures, 'x'))
    expect(read('cursor.json')).toEqual({
      servers: {
        linear: {
          transport: 'http',
          url: 'https://linear.example/mcp',
          headers: { authorization: 'Bearer l' },
        },
        scripts: {
          run: ['python', `${root}/tools/mcp_server.py`],
          env: { DB_PASSWORD: 'of the file', HOME_OF: '/home/ada' },
        },
      },
      unused: 'linear.auth',
    })
  })

  it('Windsurf', () => {
    expect(read('windsurf.json')).toEqual({
      servers: {
        figma: {
          transport: 'http',
          url: 'https://figma.example/mcp',
          headers: { 'x-figma-token': 'f' },
        },
      },
      unused: undefined,
      unenforced: 'figma.disabledTools; all tools of these servers are reachable',
    })
  })

  it('Cline', () => {
    expect(read('cline.json')).toEqual({
      servers: {
        browser: { run: ['npx', '-y', '@example/browser-mcp'], env: { HEADLESS: 'true' } },
        remote: { transport: 'http', url: 'https://remote.example/mcp', headers: {} },
      },
      unused:
        'browser.alwaysAllow, browser.autoApprove, browser.timeout, remote.autoApprove; instead of a timeout, set "deadline" (seconds)',
    })
  })

  it('Gemini CLI', () => {
    expect(read('gemini-cli.json')).toEqual({
      servers: {
        discovery: {
          transport: 'http',
          url: 'https://discovery.example/mcp',
          headers: { authorization: 'Bearer d' },
        },
        'python-tools': { run: ['python', '-m', 'tools.mcp'], env: { API_KEY: 't' } },
      },
      unused:
        'theme, selectedAuthType, mcp, discovery.timeout, discovery.trust, discovery.authProviderType, python-tools.description; instead of a timeout, set "deadline" (seconds)',
      unenforced:
        'discovery.includeTools, discovery.excludeTools; all tools of these servers are reachable',
    })
  })

  it('opencode', () => {
    expect(read('opencode.jsonc')).toEqual({
      servers: {
        everything: {
          run: ['npx', '-y', '@modelcontextprotocol/server-everything'],
          env: { LOG: 'quiet' },
        },
        jira: {
          transport: 'http',
          url: 'https://jira.example/mcp',
          headers: { authorization: 'Bearer j' },
        },
      },
      unused:
        '$schema, model, everything.timeout, jira.oauth; instead of a timeout, set "deadline" (seconds)',
    })
  })

  it('Zed', () => {
    expect(read('zed.jsonc')).toEqual({
      servers: {
        notes: { run: ['notes-mcp', '--stdio'], env: { NOTES_DIR: '/home/ada/notes' } },
        'old-style': { run: ['old-mcp', 'run'], env: {} },
        remote: { transport: 'http', url: 'https://zed.example/mcp', headers: { 'x-key': 'abc' } },
      },
      unused: 'theme, vim_mode, notes.source, old-style.settings, postgres-context-server',
    })
  })

  it('Goose', () => {
    expect(read('goose.yaml')).toEqual({
      servers: {
        'Google-Drive': {
          run: ['npx', '-y', '@example/gdrive-mcp'],
          env: { GDRIVE_KEY: 'k', GDRIVE_REGION: 'eu' },
        },
        search: {
          transport: 'http',
          url: 'https://search.example/mcp',
          headers: { authorization: 'Bearer abc' },
        },
      },
      unused:
        'GOOSE_PROVIDER, GOOSE_MODEL, developer, Google Drive.name, Google Drive.timeout, search.envs, search.name, search.timeout; "Google Drive" is served as "Google-Drive"; instead of a timeout, set "deadline" (seconds)',
    })
  })
})

/** A file of its own, in a folder of this name. */
const readText = (
  text: string,
  own: Record<string, string> = {},
  folder = 'x',
  name = 'mcp.json',
) => {
  const root = mkdtempSync(join(tmpdir(), folder))
  onTestFinished(() => rmSync(root, { recursive: true }))
  writeFileSync(join(root, name), text)
  return { root, ...readServers(join(root, name), own) }
}

describe('what is written by hand', () => {
  it('may have a byte order mark, tabs, comments between all things, and commas at the end', () => {
    const text =
      '\uFEFF// mine\n{ /* all */\n\t"mcpServers": {\n\t\t"a": { "url": "http://a//b", // "x"\n\t\t\t"args_": 1, },\n\t},\n}\n'
    const { backends } = readText(text.replace('\t\t\t"args_": 1, ', ''))
    expect(backends[0]?.endpoints[0]).toMatchObject({ url: 'http://a//b' })
  })

  it('finds the workspace above the folder of an editor', () => {
    const text = '{"servers": {"a": {"command": "x", "args": ["${workspaceFolder}"]}}}'
    const { root, backends } = readText(text, {}, '.vscode')
    expect(backends[0]?.endpoints[0]).toMatchObject({ args: [dirname(root)] })
    expect(basename(root)).toMatch(/^\.vscode/)
  })

  it.each([
    ['$KEY', '1'],
    ['x-$KEY', 'x-1'],
    ['pa$$word$Nope', 'pa$$word$Nope'],
    ['pa$$NOPE', 'pa$$NOPE'],
    ['{env:A}', '1'],
    ['${env:A}', '1'],
    ['${env:NOPE:-${A}}', '1'],
    ['${NOPE:-${NOPE:-{}}}', '{}'],
    ['${input:the-key}', 'k'],
    ['$${A}', '${A}'],
  ])('reads %s as %s', (given, expected) => {
    const text = JSON.stringify({ mcpServers: { a: { command: 'x', env: { V: given } } } })
    const { backends, invalid } = readText(text, { A: '1', KEY: '1', THE_KEY: 'k' })
    expect(invalid).toEqual([])
    expect(backends[0]?.endpoints[0]).toMatchObject({ env: { V: expected } })
  })

  it('may have the headers that the router writes likewise', () => {
    const headers = { Accept: 'application/json', 'content-type': 'application/json', 'X-Key': 'k' }
    const text = JSON.stringify({ mcpServers: { a: { url: 'http://a/', headers } } })
    const { backends, unused } = readText(text)
    expect(backends[0]?.endpoints[0]).toMatchObject({ headers: { 'x-key': 'k' } })
    expect(unused).toContain('a.headers.Accept, a.headers.content-type')
  })

  it('may name a file of variables, seen from the servers file; env stands above it', () => {
    const root = mkdtempSync(join(tmpdir(), 'env-file-'))
    onTestFinished(() => rmSync(root, { recursive: true }))
    const lines = "# mine\nA=1\nexport B='two words'\nC=${A}\nEMPTY=\n"
    writeFileSync(join(root, 'a.env'), lines)
    const entry = { command: 'x', envFile: 'a.env', env: { A: 'own' } }
    writeFileSync(join(root, 'mcp.json'), JSON.stringify({ mcpServers: { a: entry } }))
    const { backends, unused } = readServers(join(root, 'mcp.json'), {})
    expect(backends[0]?.endpoints[0]).toMatchObject({
      env: { A: 'own', B: 'two words', C: '${A}', EMPTY: '' },
    })
    expect(unused).toBeUndefined()
  })

  it('is left out when its file of variables cannot be read', () => {
    const text = '{"mcpServers": {"a": {"command": "x", "envFile": "none.env"}}}'
    const { backends, invalid } = readText(text)
    expect(backends).toEqual([])
    expect(invalid[0]?.problems[0]).toMatch(
      /mcp\.json:1:\d+: server "a": its envFile \/.*none\.env does not exist; create it, or correct "envFile"$/,
    )
  })

  it('has no use for a file of variables where there is a url', () => {
    const text = '{"mcpServers": {"a": {"url": "http://a/", "envFile": "none.env"}}}'
    const { backends, unused } = readText(text)
    expect([backends.length, unused]).toEqual([1, expect.stringContaining('a.envFile')])
  })

  it('tells of two names that come to one', () => {
    const { backends, invalid } = readText(
      '{"mcpServers": {"a b": {"command": "x"}, "a/b": {"command": "y"}}}',
    )
    expect(backends.map(({ name }) => name)).toEqual(['a-b'])
    expect(invalid[0]?.problems[0]).toContain('"a/b" and "a b" would both be served as "a-b"')
  })
})
