import { fileURLToPath } from 'node:url'
import { openMortalProgram } from '../harness/mortal-program.js'
import type { MortalProgram } from '../harness/mortal-program.js'
import type { Ledger } from './ledger-server.js'

/**
 * The JavaScript of an http MCP server of 2026-07-28, on the official SDK, which reports progress just as the one with sessions does.
 */
const modernScript = `
  import { appendFileSync, existsSync } from 'node:fs'
  import { createServer } from 'node:http'
  import { setTimeout as wait } from 'node:timers/promises'
  import { toNodeHandler } from '@modelcontextprotocol/node'
  import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
  const [, folder, port] = process.argv
  const annotations = { read: { readOnlyHint: true }, put: { idempotentHint: true }, append: {} }
  const runTool = async (name, { mcpReq }) => {
    appendFileSync(folder + '/ledger', name + ' ' + process.pid + '\\n')
    for (let progress = 1; existsSync(folder + '/hold-' + name); progress++) {
      const progressToken = mcpReq._meta?.progressToken
      const params = { progressToken, progress }
      if (progressToken !== undefined) await mcpReq.notify({ method: 'notifications/progress', params })
      await wait(100)
    }
    return { content: [{ type: 'text', text: String(process.pid) }] }
  }
  const open = () => {
    const server = new McpServer({ name: 'ledger', version: '1' })
    for (const name of Object.keys(annotations))
      server.registerTool(name, { annotations: annotations[name] }, (extra) => runTool(name, extra))
    return server
  }
  const handle = toNodeHandler({ fetch: createMcpHandler(open, { legacy: 'reject' }).fetch })
  createServer((req, res) => void handle(req, res).catch(() => res.destroy()))
    .listen(Number(port), '127.0.0.1', () => console.log('listens'))
  process.stdin.resume().once('close', () => process.exit())`

/**
 * The JavaScript of an http MCP server with sessions, on the official SDK without an event store: its streams have no ids. Its tools are those of
 * the ledger server; while it holds a request, it reports progress to whoever wants to hear.
 */
const script = `
  import { randomUUID } from 'node:crypto'
  import { appendFileSync, existsSync } from 'node:fs'
  import { createServer } from 'node:http'
  import { setTimeout as wait } from 'node:timers/promises'
  import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
  import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
  const [, folder, port, answers] = process.argv
  const annotations = { read: { readOnlyHint: true }, put: { idempotentHint: true }, append: {} }
  const runTool = async (name, { _meta, sendNotification }) => {
    appendFileSync(folder + '/ledger', name + ' ' + process.pid + '\\n')
    for (let progress = 1; existsSync(folder + '/hold-' + name); progress++) {
      const progressToken = _meta?.progressToken
      const params = { progressToken, progress }
      if (progressToken !== undefined) await sendNotification({ method: 'notifications/progress', params })
      await wait(100)
    }
    return { content: [{ type: 'text', text: String(process.pid) }] }
  }
  const sessions = new Map()
  const open = async () => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
      enableJsonResponse: answers === 'json',
    })
    const server = new McpServer({ name: 'ledger', version: '1' })
    for (const name of Object.keys(annotations))
      server.registerTool(name, { annotations: annotations[name] }, (extra) => runTool(name, extra))
    await server.connect(transport)
    return transport
  }
  const serve = async (req, res) => {
    const id = req.headers['mcp-session-id']
    if (id === undefined || sessions.has(id))
      return (sessions.get(id) ?? (await open())).handleRequest(req, res)
    res.writeHead(404).end()
  }
  createServer((req, res) => void serve(req, res).catch(() => res.destroy()))
    .listen(Number(port), '127.0.0.1', () => console.log('listens'))
  process.stdin.resume().once('close', () => process.exit())`

/** LedgerEndpoint is such a server at a port that it keeps. */
export interface LedgerEndpoint extends MortalProgram {
  readonly url: string
}

/** openLedgerEndpoint starts a server that writes into this ledger, and answers calls with streams, with JSON, or as 2026-07-28 has it. */
export const openLedgerEndpoint = async (
  { entry }: Ledger,
  answers: 'events' | 'json' | 'modern',
): Promise<LedgerEndpoint> => {
  // The last argument of the stdio server is the folder of its ledger.
  const folder = (entry['args'] as readonly string[]).at(-1) ?? ''
  const used = answers === 'modern' ? modernScript : script
  const program = await openMortalProgram({
    name: 'the ledger',
    args: (port) => ['--input-type=module', '-e', used, folder, String(port), answers],
    listens: 'listens',
    cwd: fileURLToPath(new URL('.', import.meta.url)),
  })
  return { ...program, url: `http://127.0.0.1:${program.port}/mcp` }
}
