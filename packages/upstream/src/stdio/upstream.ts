import type { Backend, EventSink, StdioEndpoint } from '@mcp-router/core'
import { reasonOf, RouterError } from '@mcp-router/core'
import { flatten, requireValid, resultOf } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { defaultMaxResponseBytes } from '../http/client.js'
import { failedAnswer, messagesIn, refusalsIn } from '../messages.js'
import { cancelledMessage, discard, passBy } from '../upstream.js'
import type { Upstream, UpstreamListener } from '../upstream.js'
import { startFailure } from './start-failure.js'
import { noteUsable } from '../unusable.js'
import { createChildLog, createJunkGuard } from './child-log.js'
import { endChild, spawnChild } from './child.js'
import { awaitDepartures, noteDeparture } from './departures.js'
import { createLiveness } from './liveness.js'
import { createLineSplitter } from './lines.js'
import { createStderr, maskingOf } from './stderr.js'

interface Options {
  readonly endpoint: StdioEndpoint
  readonly backend: Backend
  readonly listener: UpstreamListener
  readonly events: EventSink
  readonly env: Readonly<Record<string, string | undefined>>
  /** The most bytes of one message. */
  readonly maxLineBytes?: number
  readonly alivePatienceMs?: number
}

/** A process that runs takes so long at most to answer a ping, ms; one that computes without a pause has had the deadline of its call before. */
const defaultAlivePatienceMs = 10_000
/** From the end of its stdout to the end of the process, ms. */
const exitMs = 500

/** openStdioUpstream starts the command; it resolves once the process runs and rejects with what startFailure says when it cannot. */
export const openStdioUpstream = async (options: Options): Promise<Upstream> => {
  const { endpoint, backend, listener, events } = options
  const { maxLineBytes = defaultMaxResponseBytes, alivePatienceMs = defaultAlivePatienceMs } =
    options
  await awaitDepartures(endpoint)
  const child = spawnChild(endpoint, options.env)
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) => reject(startFailure(backend, endpoint, cause)))
  })
  noteUsable(endpoint)
  const pid = child.pid ?? 0
  let closing = false
  const end = (): Promise<void> => {
    const gone = endChild(child)
    noteDeparture(endpoint, gone)
    return gone
  }
  /** Why the router ended it, where nobody asked for that. */
  let fault: string | undefined
  const mask = maskingOf(backend)
  const say = (line: string): void =>
    events.emit({ kind: 'stderr', backend: backend.name, pid, line })
  const emit = (action: 'opened' | 'closed' | 'lost' | 'refused', reason: string): void =>
    events.emit({
      kind: 'upstream',
      action,
      backend: backend.name,
      endpoint: endpoint.id,
      reason,
    })
  /** It has answered its handshake: what only runs may exit at once, again and again. */
  let isOpen = false
  const noteResult = (message: Message): void => {
    if (isOpen || message.kind !== 'response' || !hasResult(message)) return
    isOpen = true
    emit('opened', `pid ${pid}`)
  }
  const log = createChildLog(say)
  const junk = createJunkGuard()
  /** A fault in here concerns one message; the process goes on for all who share it. */
  const deliver = (message: Message): void => {
    try {
      listener.onMessage(message)
    } catch (error) {
      say(`(router) a message was not taken: ${reasonOf(error)}`)
    }
  }
  /** Of what it wrote and cannot be read, what names a call fails that call; the others go on. */
  const refuse = (line: Buffer, reason: string): void => {
    log.add(() => mask(`(stdout, ${reason}) ${line.toString('utf8', 0, 500)}`))
    const failed = failedAnswer(backend.name, line, reason)
    if (failed) deliver(failed)
  }
  const giveUp = (why: string): void => {
    if (fault !== undefined || closing) return
    fault = `ended by the router because it ${why}`
    say(fault)
    void end()
  }
  const liveness = createLiveness({
    send: (ping) => discard(send(ping)),
    onDead: () => giveUp(`answered neither a call before its deadline nor a ping`),
    patienceMs: alivePatienceMs,
  })
  const hear = (line: Buffer): void => {
    const messages = messagesIn(backend.name, line)
    for (const message of messages) {
      noteResult(message)
      if (!liveness.isOwn(message)) deliver(message)
    }
    if (messages.length > 0) return
    refuse(line, 'not JSON-RPC')
    for (const refusal of refusalsIn(line)) discard(send(refusal))
    junk()
  }
  const onLong = (head: Buffer): void => refuse(head, `a line of more than ${maxLineBytes} bytes`)
  const stderr = createStderr((line) => log.add(() => line), mask)
  const split = createLineSplitter(hear, maxLineBytes, onLong)
  // One that floods its output would leave no time for others: it is ended.
  child.stdout.on('data', (chunk: Buffer) => {
    if (fault !== undefined) return
    liveness.heard()
    try {
      split(chunk)
    } catch (error) {
      giveUp(`wrote ${reasonOf(error)}`)
    }
  })
  // It can never answer again. One that is exiting closes it as well.
  child.stdout.once('end', () => {
    setTimeout(() => {
      if (child.exitCode === null && child.signalCode === null) giveUp('closed its stdout')
    }, exitMs).unref()
  })
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  child.on('error', () => undefined)
  // A child that exits breaks its pipe: `exit` reports that, EPIPE adds nothing.
  child.stdin.on('error', () => undefined)
  child.once('close', (code, signal) => {
    liveness.close()
    log.close()
    const how = fault ?? (signal ? `ended by ${signal}` : `exited with ${String(code)}`)
    if (isOpen) emit(closing ? 'closed' : 'lost', how)
    else if (!closing) emit('refused', how)
    const failed = new RouterError('UPSTREAM_FAILED', { backend: backend.name, reason: how })
    listener.onClose(closing ? undefined : failed)
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
    cancel(id, isLate = false) {
      discard(send(cancelledMessage(id)))
      if (isLate) liveness.doubt()
    },
    lastWords: () => stderr.lastWords(),
    async close() {
      if (closing) return
      closing = true
      await end()
    },
  }
}

/** What is broken inside is for whoever asked. */
const hasResult = (message: Message): boolean => {
  try {
    return resultOf(message) !== undefined
  } catch {
    return false
  }
}
