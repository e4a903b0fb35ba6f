import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerEntry } from '../harness/backends.js'

/**
 * The JavaScript of a stdio MCP server that writes a line into a ledger for every request that it executes, before it answers: what ran is
 * known, whatever becomes of the answer. `read` and `put` say of themselves that they may be repeated, `append` does not. A request is held
 * for as long as there is a file of its name; who asks for progress hears that it runs.
 */
const script = `
  const { appendFileSync, existsSync } = require('node:fs')
  const [, folder, era] = process.argv
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
  const send = (message) => console.log(JSON.stringify({ jsonrpc: '2.0', ...message }))
  const tool = (name, annotations) => ({ name, annotations, inputSchema: { type: 'object' } })
  const tools = [tool('read', { readOnlyHint: true }), tool('put', { idempotentHint: true }), tool('append', {})]
  const answer = async ({ id, method, params }) => {
    if (id === undefined) return
    if (method === 'initialize') {
      const { protocolVersion } = params
      const serverInfo = { name: 'ledger', version: '1' }
      return send({ id, result: { protocolVersion, serverInfo, capabilities: { tools: {} } } })
    }
    if (method === 'server/discover' && era === 'modern')
      return send({ id, result: { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, serverInfo: { name: 'ledger', version: '1' }, ttlMs: 0, cacheScope: 'private', resultType: 'complete' } })
    const more = era === 'modern' ? { resultType: 'complete' } : {}
    const name = method === 'tools/call' ? params.name : method.replace('/', '-')
    appendFileSync(folder + '/ledger', name + ' ' + process.pid + '\\n')
    const progressToken = params?._meta?.progressToken
    if (progressToken !== undefined)
      send({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
    while (existsSync(folder + '/hold-' + name)) await wait(10)
    const text = String(process.pid)
    send({ id, result: { ...more, ...(method === 'tools/list' ? { tools, ...(era && { ttlMs: 0, cacheScope: 'private' }) } : { content: [{ type: 'text', text }] }) } })
  }
  const lines = require('node:readline').createInterface({ input: process.stdin })
  lines.on('line', (line) => void answer(JSON.parse(line)))
  lines.on('close', () => process.exit())`

/** Entry is one request that a process of the server executed. */
export interface Entry {
  readonly name: string
  readonly pid: number
}

/** Ledger is what the servers of one entry wrote. */
export interface Ledger {
  readonly entry: ServerEntry
  /** The same server in revision 2026-07-28. */
  readonly modernEntry: ServerEntry
  /** What ran under this name, in order: a tool, or a method with a dash for its slash. */
  runs(name: string): readonly Entry[]
  /** Has such requests wait before they are answered, until they are released. */
  hold(name: string): void
  release(name: string): void
  close(): void
}

/** openLedger makes a folder for a ledger; the entry belongs into a servers file. */
export const openLedger = (): Ledger => {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-'))
  const file = join(folder, 'ledger')
  const holding = (name: string): string => join(folder, `hold-${name}`)
  return {
    entry: { command: process.execPath, args: ['-e', script, folder] },
    modernEntry: { command: process.execPath, args: ['-e', script, folder, 'modern'] },
    runs(name) {
      if (!existsSync(file)) return []
      return readFileSync(file, 'utf8')
        .split('\n')
        .map((line) => line.split(' '))
        .flatMap(([ran, pid]) => (ran === name ? [{ name, pid: Number(pid) }] : []))
    },
    hold: (name) => writeFileSync(holding(name), ''),
    release: (name) => rmSync(holding(name), { force: true }),
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}
