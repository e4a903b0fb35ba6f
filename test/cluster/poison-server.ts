import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { once } from 'node:events'
import { json } from 'node:stream/consumers'
import type { ServerEntry } from '../harness/backends.js'

/** PoisonServer is an http MCP server with sessions whose answer to the tool `poison`, which is read-only, ends whoever asked. */
export interface PoisonServer {
  readonly entry: ServerEntry
  close(): Promise<void>
}

const tools = [
  { name: 'poison', annotations: { readOnlyHint: true }, inputSchema: { type: 'object' } },
]

/** openPoisonServer has `onPoison` called with the connection that asked; the call is not answered. */
export const openPoisonServer = async (
  onPoison: (socket: Socket) => void,
): Promise<PoisonServer> => {
  const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    if (req.method !== 'POST') {
      res.writeHead(405).end()
      return
    }
    const { id, method } = (await json(req)) as { id?: unknown; method: string }
    if (id === undefined) {
      res.writeHead(202).end()
      return
    }
    if (method === 'tools/call') {
      onPoison(req.socket)
      return
    }
    const serverInfo = { name: 'poison', version: '1' }
    const handshake = { protocolVersion: '2025-06-18', serverInfo, capabilities: { tools: {} } }
    const result = method === 'initialize' ? handshake : { tools }
    res.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'session' })
    res.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
  }
  const server = createServer((req, res) => void serve(req, res).catch(() => res.destroy()))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    entry: { url: `http://127.0.0.1:${port}/mcp`, era: 'legacy' },
    async close() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

const hexOf = (port = 0): string => `:${port.toString(16).toUpperCase().padStart(4, '0')}`

/**
 * pidBehind finds which of these processes holds the other end of a loopback connection. Both ports must match: the port of a
 * client may be in TIME_WAIT towards another address as well.
 */
export const pidBehind = (
  { remotePort, localPort }: Pick<Socket, 'remotePort' | 'localPort'>,
  pids: readonly number[],
): number | undefined => {
  const rows = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1),
  )
  const inode = rows
    .map((row) => row.trim().split(/\s+/))
    .find(
      ([, local, remote]) =>
        local?.endsWith(hexOf(remotePort)) && remote?.endsWith(hexOf(localPort)),
    )?.[9]
  return pids.find((pid) => linksOf(pid).includes(`socket:[${inode}]`))
}

const linksOf = (pid: number): readonly string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
    } catch {
      // Closed meanwhile.
      return []
    }
  })
