import type { Backend, EventSink, StdioEndpoint } from '@mcp-router/core'
import { reasonOf, RouterError } from '@mcp-router/core'
import { flatten, MalformedMessage, requireValid, scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { cancelledMessage, discard, passBy } from '../upstream.js'
import type { Upstream, UpstreamListener } from '../upstream.js'
import { endChild, spawnChild } from './child.js'
import { createLineSplitter } from './lines.js'

interface Options {
  readonly endpoint: StdioEndpoint
  readonly backend: Backend
  readonly listener: UpstreamListener
  readonly events: EventSink
  readonly env: Readonly<Record<string, string | undefined>>
}

/** openStdioUpstream starts the command; it resolves once the process runs and rejects with NO_HEALTHY_ENDPOINT when it cannot. */
export const openStdioUpstream = async (options: Options): Promise<Upstream> => {
  const { endpoint, backend, listener, events } = options
  const child = spawnChild(endpoint, options.env)
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const reason = `starting ${endpoint.command}: ${cause.code ?? cause.message}`
      reject(new RouterError('NO_HEALTHY_ENDPOINT', { backend: backend.name, reason }, cause))
    })
  })
  const pid = child.pid ?? 0
  let closing = false
  const says = (line: string): void =>
    events.emit({ kind: 'stderr', backend: backend.name, pid, line })
  const hear = createLineSplitter((line) => {
    const message = messageOf(line)
    if (message) listener.onMessage(message)
    else says(`(stdout, not JSON-RPC) ${line.toString('utf8', 0, 500)}`)
  })
  const complain = createLineSplitter((line) => says(line.toString('utf8', 0, 2_000)))
  // A line without end would fill the memory: such a child is ended.
  const bounded = (take: (chunk: Buffer) => void) => (chunk: Buffer) => {
    try {
      take(chunk)
    } catch (error) {
      says(`ended for writing ${reasonOf(error)}`)
      void endChild(child)
    }
  }
  child.stdout.on('data', bounded(hear))
  child.stderr.on('data', bounded(complain))
  child.on('error', () => undefined)
  // A child that exits breaks its pipe: `exit` reports that, EPIPE adds nothing.
  child.stdin.on('error', () => undefined)
  child.once('close', (code, signal) => {
    const how = signal ? `ended by ${signal}` : `exited with ${String(code)}`
    events.emit({
      kind: 'upstream',
      action: closing ? 'closed' : 'lost',
      backend: backend.name,
      endpoint: endpoint.id,
      reason: how,
    })
    const failed = new RouterError('UPSTREAM_FAILED', { backend: backend.name, reason: how })
    listener.onClose(closing ? undefined : failed)
  })
  events.emit({
    kind: 'upstream',
    action: 'opened',
    backend: backend.name,
    endpoint: endpoint.id,
    reason: `pid ${pid}`,
  })

  const send = async (message: Message): Promise<void> => {
    try {
      requireValid(message)
    } catch (cause) {
      throw new RouterError('PARSE_ERROR', {}, cause)
    }
    const line = Buffer.concat([flatten(message.bytes), Buffer.of(0x0a)])
    await new Promise<void>((resolve, reject) => {
      child.stdin.write(line, (cause) => {
        if (!cause) {
          resolve()
          return
        }
        // A line that was not written whole was never executed.
        const reason = 'the process is gone'
        reject(new RouterError('NO_HEALTHY_ENDPOINT', { backend: backend.name, reason }, cause))
      })
    })
  }

  return {
    send,
    pass: passBy(send),
    listen: () => undefined,
    cancel: (id) => discard(send(cancelledMessage(id))),
    async close() {
      if (closing) return
      closing = true
      await endChild(child)
    },
  }
}

const messageOf = (line: Buffer): Message | undefined => {
  try {
    return scanMessage(line)
  } catch (error) {
    if (error instanceof MalformedMessage) return undefined
    throw error
  }
}
