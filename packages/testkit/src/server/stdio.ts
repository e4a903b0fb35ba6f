import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Endpoint } from '@mcp-router/core'
import { onTestFinished } from '../test/index.js'
import { perform } from './call.js'
import type { Script, ServerCall, ServerSession } from './call.js'

/** From src/ and from dist/. */
const relay = fileURLToPath(new URL('../../program/stdio-relay.js', import.meta.url))

export interface CommandOptions extends Script {
  /** Runs before a process reads anything; one that it ends is not served. */
  readonly onStart?: (session: ServerSession) => unknown
  /** Runs once the input of a process has ended; without it the process ends, too. */
  readonly onEnd?: (session: ServerSession) => unknown
}

export interface TestCommand {
  /** Runs on every start a process of its own. */
  readonly endpoint: Extract<Endpoint, { transport: 'stdio' }>
  readonly calls: readonly ServerCall[]
  /** One for each process so far. */
  readonly sessions: readonly ServerSession[]
}

/** openCommand is a stdio server: its processes only pass on what comes, and the script runs in the test. */
export const openCommand = async ({
  onStart = () => undefined,
  onEnd = ({ exit }) => exit(0),
  ...script
}: CommandOptions = {}): Promise<TestCommand> => {
  const { calls, receive } = perform(script)
  const sessions: ServerSession[] = []
  const sockets = new Set<Socket>()

  const serve = async (socket: Socket): Promise<void> => {
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
    const pid = Number((await lines.next()).value)
    const order = (what: object): void => void socket.write(`${JSON.stringify(what)}\n`)
    const session: ServerSession = {
      id: String(pid),
      pid,
      send: (message) => order({ out: `${JSON.stringify(message)}\n` }),
      log: (text) => order({ err: `${text}\n` }),
      exit: (code = 0) => order({ exit: code }),
    }
    sessions.push(session)
    await onStart(session)
    for (let line = await lines.next(); !line.done; line = await lines.next())
      receive(JSON.parse(line.value) as Record<string, unknown>, session)
    await onEnd(session)
  }
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    // A process that is killed half-way is nothing to report.
    serve(socket).catch(() => socket.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  // A server that listens on TCP has an AddressInfo.
  const { port } = server.address() as AddressInfo
  return {
    endpoint: {
      transport: 'stdio',
      id: 'stdio:local#1' as Endpoint['id'],
      command: process.execPath,
      args: [relay, String(port)],
      env: {},
      weight: 1,
    },
    calls,
    sessions,
  }
}
