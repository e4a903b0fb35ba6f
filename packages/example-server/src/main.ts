#!/usr/bin/env node
import { env } from 'node:process'
import { parseArgs } from 'node:util'
import { createApp } from './app.js'
import { createMcpServer } from './mcp-server.js'
import { openSessions } from './sessions.js'

const idleMs = 60 * 60 * 1000

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: env['PORT'] ?? '8071' },
    host: { type: 'string', default: '127.0.0.1' },
  },
})

const port = Number(values.port)
const isLoopback = ['127.0.0.1', 'localhost', '::1'].includes(values.host)
const sessions = openSessions(createMcpServer, idleMs)
const server = createApp(sessions, isLoopback).listen(port, values.host, (error) => {
  if (error !== undefined) {
    process.stderr.write(`mcp-server-v6: ${error.message}\n`)
    process.exit(1)
  }
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  process.stdout.write(`mcp-server-v6 listens on http://${values.host}:${bound}/mcp\n`)
})

const stop = async (): Promise<void> => {
  server.close()
  await sessions.close()
  server.closeAllConnections()
}

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => {
    void stop()
  })
