#!/usr/bin/env node
import { createApp } from './app.js'
import { createMcpServer } from './mcp-server.js'
import { readOptions, usage, type Options } from './options.js'
import { serverName } from './server-name.js'
import { openSessions } from './sessions.js'

const idleMs = 60 * 60 * 1000

const fail = (message: string): never => {
  process.stderr.write(`${serverName}: ${message}\n`)
  process.exit(1)
}

const serve = ({ host, port }: Options): void => {
  const isLoopback = ['127.0.0.1', 'localhost', '::1'].includes(host)
  const sessions = openSessions(createMcpServer, idleMs)
  const server = createApp(sessions, isLoopback).listen(port, host, (error) => {
    if (error !== undefined) fail(error.message)
    const address = server.address()
    const bound = typeof address === 'object' && address !== null ? address.port : port
    process.stdout.write(`${serverName} listens on http://${host}:${bound}/mcp\n`)
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
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === undefined) process.stdout.write(usage)
  else serve(options)
} catch (error) {
  fail(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
}
