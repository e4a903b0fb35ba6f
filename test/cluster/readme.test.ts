import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '@mcp-router/testkit/process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')

/** The blocks of the README in one language, as a reader copies them. */
const blocks = (language: string): string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
    ([, text]) => text!,
  )

/** The one block that has this in it. */
const block = (language: string, has: string): string => {
  const found = blocks(language).filter((text) => text.includes(has))
  expect(found, `blocks with ${has}`).toHaveLength(1)
  return found[0]!
}

describe('what the README tells a newcomer to type', () => {
  const folder = mkdtempSync(join(tmpdir(), 'readme-'))
  // Beside try.mjs, which may be there.
  const script = join(root, `try-${process.pid}.mjs`)
  let variables: Record<string, string> = {}
  let gateway = ''

  /** Runs text as a person would, in the top folder, with the README's ports replaced by free ones. */
  const type = (text: string, limitMs = 60_000): Promise<{ code: number | null; out: string }> =>
    new Promise((resolve, reject) => {
      const shell = spawn('bash', ['-e', '-c', text.replaceAll('http://127.0.0.1:8080', gateway)], {
        cwd: root,
        env: { ...process.env, ...variables },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: limitMs,
      })
      let out = ''
      shell.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()))
      shell.stderr.on('data', (bytes: Buffer) => (out += bytes.toString()))
      shell.once('error', reject)
      shell.once('close', (code) => resolve({ code, out }))
    })

  beforeAll(async () => {
    const first = await freePorts(6)
    gateway = `http://127.0.0.1:${first + 3}`
    variables = {
      MCP_RUN_DIR: join(folder, 'run'),
      ROUTER_BASE_PORT: String(first),
      GATEWAY_PORT: String(first + 3),
      EXAMPLE_PORT_1: String(first + 4),
      EXAMPLE_PORT_2: String(first + 5),
      ...{ REDIS_URL: '', ACCESS_TOKEN: '', MCP_SERVERS_FILE: '', ROUTER_INSTANCES: '' },
    }
    const started = await type(block('sh', 'npm start').split('\n')[0]!)
    expect(started.code, started.out).toBe(0)
    expect(started.out).toContain(gateway)
  })

  afterAll(async () => {
    await type('scripts/start-instances.sh stop')
    rmSync(folder, { recursive: true })
    rmSync(script, { force: true })
  })

  it('starts, and the first call answers as shown', async () => {
    const { out, code } = await type(block('sh', '/mcp/router/route/'))
    expect([code, out]).toEqual([0, expect.stringContaining(block('json', '"result"').trim())])
  })

  it('opens a stream that begins with the address to POST to', async () => {
    const command = block('sh', '/sse/').trim()
    const { out } = await type(`timeout 2 ${command} || true`)
    expect(out).toContain(`event: endpoint\ndata: /mcp/mcp-server-v6/message?sessionId=`)
  })

  it('runs the SDK client', async () => {
    writeFileSync(script, block('js', 'new Client').replaceAll('http://127.0.0.1:8080', gateway))
    const { out, code } = await type(`node ${script}`)
    expect([code, out]).toEqual([0, expect.stringMatching(/^echo\n/)])
  })

  it('verifies a session, tells the status, and ends it all', async () => {
    const [verify, status, stop] = block('sh', 'verify-session.sh').trim().split('\n')
    const verified = await type(`${verify!} ${gateway}`)
    expect([verified.code, verified.out]).toEqual([0, expect.stringContaining('all is well')])
    expect((await type(status!)).code).toBe(0)
    const stopped = await type(stop!)
    expect([stopped.code, stopped.out]).toEqual([0, expect.stringContaining('nginx')])
  })

  it('links only to files that there are', () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path!)
    expect(links.length).toBeGreaterThan(10)
    expect(links.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })
})
