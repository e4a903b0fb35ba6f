import { RouterError } from '@mcp-router/core'
import {
  ChunkCollector,
  createSseDecoder,
  MalformedMessage,
  messageFrame,
  scanMessage,
} from '@mcp-router/protocol'
import type { Message, SseEvent } from '@mcp-router/protocol'
import { acceptedOf } from './accept.js'
import type { Incoming } from './incoming.js'
import { respondError } from './respond.js'
import { streamHeaders } from '../outlet/stream.js'
import { ownOf, replaceWriting } from './replaced-response.js'
import type { Own } from './replaced-response.js'

/**
 * keepToAccepted changes the form of an answer for a client that takes one of the two only, whatever writes it: where it leaves for the
 * client, not where it is made. It replaces what writes on this one response; the usual client takes both, and costs nothing.
 */
export const keepToAccepted = (incoming: Incoming): void => {
  const { json, stream } = acceptedOf(incoming.req.headers.accept)
  if (json === stream) return
  if (json) onlyJson(incoming)
  else onlyEvents(incoming)
}

const onlyJson = (incoming: Incoming): void => {
  const { res } = incoming
  const own = ownOf(res)
  let collecting: Collecting | undefined
  replaceWriting(res, {
    writeHead(status, head) {
      if (!isStream(head)) {
        own.restore()
        return own.writeHead(status, head)
      }
      collecting ??= new Collecting(incoming, own, status, head)
      return res
    },
    write(bytes) {
      collecting?.push(bytes)
      return true
    },
    end(bytes) {
      if (bytes) collecting?.push(bytes)
      collecting?.end()
      return res
    },
  })
}

const onlyEvents = ({ res }: Incoming): void => {
  const own = ownOf(res)
  const body = new ChunkCollector()
  let head: readonly string[] = []
  replaceWriting(res, {
    writeHead(status, given) {
      if (status !== 200 || !isJson(given)) {
        own.restore()
        return own.writeHead(status, given)
      }
      head = given
      return res
    },
    write(bytes) {
      body.push(bytes)
      return true
    },
    end(bytes) {
      if (bytes) body.push(bytes)
      own.restore()
      own.writeHead(200, [...without(head), ...streamHeaders])
      return res.end(messageFrame(body.take()))
    },
  })
}

/** Collecting keeps of a stream what its client waits for: the response, or those of a batch. */
class Collecting {
  private readonly incoming: Incoming
  private readonly own: Own
  private readonly status: number
  private readonly head: readonly string[]
  private readonly responses: Buffer[] = []
  private readonly decoder = createSseDecoder((event) => this.onEvent(event))
  private isOver = false

  constructor(incoming: Incoming, own: Own, status: number, head: readonly string[]) {
    this.incoming = incoming
    this.own = own
    this.status = status
    this.head = head
    // It has no end, and no response before that.
    if (incoming.method === 'subscriptions/listen') this.refuse('text/event-stream to listen')
  }

  push(bytes: Buffer): void {
    if (!this.isOver) this.decoder.push(bytes)
  }

  end(): void {
    const [first] = this.responses
    if (this.isOver) return
    if (!first) {
      const { backend } = this.incoming
      const reason = 'its stream ended without a response'
      this.fail(new RouterError('UPSTREAM_FAILED', { backend, reason }))
      return
    }
    const all = this.isBatch() ? Buffer.from(`[${this.responses.map(String).join(',')}]`) : first
    const length = ['content-type', 'application/json', 'content-length', String(all.length)]
    this.isOver = true
    this.incoming.done(this.status, 'ok')
    this.own.writeHead(this.status, [...without(this.head), ...length])
    this.own.end(all)
    this.ignore()
  }

  private onEvent({ data }: SseEvent): void {
    const message = this.isOver ? undefined : messageIn(data)
    if (message?.kind === 'response') {
      this.responses.push(Buffer.from(data))
      if (!this.isBatch()) this.end()
    } else if (message?.kind === 'request') {
      // Its client could not read the question, and the server would wait for the answer.
      this.refuse(`text/event-stream, as the server asks it something (${message.method})`)
    }
  }

  private isBatch(): boolean {
    return this.incoming.method === 'batch'
  }

  private refuse(types: string): void {
    this.fail(new RouterError('NOT_ACCEPTABLE', { types }))
  }

  private fail(error: RouterError): void {
    this.isOver = true
    const { res } = this.incoming
    replaceWriting(res, { writeHead: this.own.writeHead, write: () => true, end: this.own.end })
    respondError(this.incoming, error)
    this.ignore()
  }

  /** What still comes of the stream is for nobody. */
  private ignore(): void {
    const { res } = this.incoming
    replaceWriting(res, { writeHead: () => res, write: () => true, end: () => res })
  }
}

const messageIn = (data: Buffer): Message | undefined => {
  if (data.length === 0) return undefined
  try {
    return scanMessage(data)
  } catch (error) {
    if (error instanceof MalformedMessage) return undefined
    throw error
  }
}

const typeIn = (head: readonly string[]): string => {
  const at = head.findIndex((name, n) => n % 2 === 0 && name.toLowerCase() === 'content-type')
  return head[at + 1]?.toLowerCase() ?? ''
}

const isStream = (head: readonly string[]): boolean => typeIn(head).startsWith('text/event-stream')
const isJson = (head: readonly string[]): boolean => typeIn(head).startsWith('application/json')

const shapeOnly = /^(content-type|content-length|cache-control|x-accel-buffering)$/i

/** What is left of a head when the form of its body changes. */
const without = (head: readonly string[]): string[] =>
  head.filter((_, n) => !shapeOnly.test(head[n - (n % 2)] ?? ''))
