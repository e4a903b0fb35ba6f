import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ServerEntry } from '../harness/backends.js'
import { openMortalProgram } from '../harness/mortal-program.js'

/**
 * The JavaScript of an MCP server on the official SDK, on stdio or, with sessions, at a port, which speaks Streamable HTTP and HTTP+SSE: its tools are
 * those that its folder names when it is started, besides `pid`.
 */
const script = `
  import { randomUUID } from 'node:crypto'
  import { readFileSync } from 'node:fs'
  import { createServer } from 'node:http'
  import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
  import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
  import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
  import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
  const [, folder, port] = process.argv
  const names = readFileSync(folder + '/tools', 'utf8').split(' ')
  const result = () => ({ content: [{ type: 'text', text: String(process.pid) }] })
  const serve = async (transport) => {
    const server = new McpServer({ name: 'changing', version: '1' })
    for (const name of ['pid', ...names]) server.registerTool(name, { annotations: { readOnlyHint: true } }, result)
    await server.connect(transport)
    return transport
  }
  const sessions = new Map()
  const open = async () => {
    const onsessioninitialized = (id) => void sessions.set(id, transport)
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => randomUUID(), onsessioninitialized })
    return serve(transport)
  }
  const takeSse = async (req, res) => {
    const id = new URL(req.url, 'http://localhost').searchParams.get('sessionId')
    if (id !== null) return sessions.has(id) ? sessions.get(id).handlePostMessage(req, res) : res.writeHead(404).end()
    const transport = new SSEServerTransport('/sse', res)
    sessions.set(transport.sessionId, transport)
    await serve(transport)
  }
  const take = async (req, res) => {
    if (req.url.startsWith('/sse')) return takeSse(req, res)
    const id = req.headers['mcp-session-id']
    if (id === undefined || sessions.has(id)) return (sessions.get(id) ?? (await open())).handleRequest(req, res)
    res.writeHead(404).end()
  }
  if (port === undefined) await serve(new StdioServerTransport())
  else {
    const server = createServer((req, res) => void take(req, res).catch(() => res.destroy()))
    server.listen(Number(port), '127.0.0.1', () => console.log('listens'))
    process.stdin.resume().once('close', () => process.exit())
  }`

const here = fileURLToPath(new URL('.', import.meta.url))

/** ChangingServer is such a server, wherever it runs. */
export interface ChangingServer {
  readonly entry: ServerEntry
  /** The tools that it has from its next start on. */
  next(...names: string[]): void
  close(): void
}

const openFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'changing-'))
  const next = (...names: string[]): void => writeFileSync(join(folder, 'tools'), names.join(' '))
  next('one')
  return {
    folder,
    next,
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** changingCommand is one on stdio. */
export const changingCommand = (): ChangingServer => {
  const { folder, ...rest } = openFolder()
  const args = ['--input-type=module', '-e', script, folder]
  return { entry: { command: process.execPath, args, cwd: here }, ...rest }
}

/** ChangingEndpoint is one at a port; `entry` is its Streamable HTTP. */
export interface ChangingEndpoint extends ChangingServer {
  readonly sseEntry: ServerEntry
  /** Ends it without warning, and starts it anew at the same place. */
  restart(): Promise<void>
}

export const openChangingEndpoint = async (): Promise<ChangingEndpoint> => {
  const { folder, ...rest } = openFolder()
  const program = await openMortalProgram({
    name: 'the server',
    args: (port) => ['--input-type=module', '-e', script, folder, String(port)],
    listens: 'listens',
    cwd: here,
  })
  return {
    ...rest,
    entry: { url: `http://127.0.0.1:${program.port}/mcp` },
    sseEntry: { url: `http://127.0.0.1:${program.port}/sse`, transport: 'sse' },
    async restart() {
      await program.kill()
      await program.start()
    },
    close() {
      void program.kill()
      rest.close()
    },
  }
}
