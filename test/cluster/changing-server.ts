import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ServerEntry } from '../harness/backends.js'
import { freePorts } from '../harness/ports.js'
import { run } from '../harness/running.js'
import type { Running } from '../harness/running.js'
import { until } from '../harness/until.js'

/**
 * The JavaScript of an MCP server on the official SDK, on stdio or, with sessions, at a port: its tools are those that its folder names when it is
 * started, besides `pid`. It notes there which methods it was asked.
 */
const script = `
  import { randomUUID } from 'node:crypto'
  import { appendFileSync, readFileSync } from 'node:fs'
  import { createServer } from 'node:http'
  import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
  import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
  import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
  const [, folder, port] = process.argv
  const names = readFileSync(folder + '/tools', 'utf8').split(' ')
  const result = () => ({ content: [{ type: 'text', text: String(process.pid) }] })
  const serve = async (transport) => {
    const server = new McpServer({ name: 'changing', version: '1' })
    for (const name of ['pid', ...names]) server.registerTool(name, { annotations: { readOnlyHint: true } }, result)
    await server.connect(transport)
    const { onmessage } = transport
    transport.onmessage = (message, extra) => {
      appendFileSync(folder + '/asked', message.method + ' ' + transport.sessionId + ' ' + process.pid + '\\n')
      onmessage(message, extra)
    }
    return transport
  }
  const sessions = new Map()
  const open = async () => {
    const onsessioninitialized = (id) => void sessions.set(id, transport)
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => randomUUID(), onsessioninitialized })
    return serve(transport)
  }
  const take = async (req, res) => {
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
  /** How often the process `pid` was asked for its tools, by its client and by the router. */
  listed(pid: number): number
  /** In how many sessions it was. */
  listedIn(): number
  close(): void
}

const openFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'changing-'))
  const next = (...names: string[]): void => writeFileSync(join(folder, 'tools'), names.join(' '))
  const asked = join(folder, 'asked')
  next('one')
  appendFileSync(asked, '')
  const lists = (): readonly string[] =>
    readFileSync(asked, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('tools/list '))
  return {
    folder,
    next,
    listed: (pid: number) => lists().filter((line) => line.endsWith(` ${pid}`)).length,
    listedIn: () => new Set(lists()).size,
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** changingCommand is one on stdio. */
export const changingCommand = (): ChangingServer => {
  const { folder, ...rest } = openFolder()
  const args = ['--input-type=module', '-e', script, folder]
  return { entry: { command: process.execPath, args, cwd: here }, ...rest }
}

/** ChangingEndpoint is one at a port. */
export interface ChangingEndpoint extends ChangingServer {
  /** Ends it without warning, and starts it anew at the same place. */
  restart(): Promise<void>
}

export const openChangingEndpoint = async (): Promise<ChangingEndpoint> => {
  const { folder, ...rest } = openFolder()
  const port = String(await freePorts(1))
  let running: Running | undefined
  const start = async (): Promise<void> => {
    const starting = run(['--input-type=module', '-e', script, folder, port], {}, here)
    running = starting
    await until('the server to listen', () => {
      if (starting.hasEnded()) throw new Error(starting.output())
      return starting.output().includes('listens')
    })
  }
  await start()
  return {
    ...rest,
    entry: { url: `http://127.0.0.1:${port}/mcp` },
    async restart() {
      running?.kill('SIGKILL')
      await running?.ended
      await start()
    },
    close() {
      running?.kill('SIGKILL')
      rest.close()
    },
  }
}
