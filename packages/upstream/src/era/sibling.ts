import type { Backend, Era, EventSink, RouterEvent, StdioEndpoint } from '@mcp-router/core'
import { resultOf, scanMessage, spliceId } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { openStdioUpstream } from '../stdio/upstream.js'
import { discard, passBy } from '../upstream.js'
import type { Upstream, UpstreamListener } from '../upstream.js'
import { initializeBytes, ownInitialize, questionBytes } from './discover.js'
import type { Question } from './discover.js'
import { findingFrom } from './finding.js'
import type { Finding } from './finding.js'
import type { Spare } from './spares.js'

/** Heard is the first thing that came of asking a Sibling. */
export type Heard =
  | { readonly kind: 'answered'; readonly finding: Finding }
  | { readonly kind: 'ended'; readonly how: string; readonly lastWords: string }
  | { readonly kind: 'silent'; readonly lastWords: string }

/** Sibling is a process of a stdio Endpoint that is asked first: some servers leave at what they do not know. One that stays can be used. */
export interface Sibling {
  /** `params`: of `initialize`. */
  ask(question: Question, params?: Json): void
  /** Waits this long for what comes of the questions; what came once is told again. */
  heard(ms: number): Promise<Heard>
  /** What it can be used for; undefined: for nothing, it refused to be initialized. */
  spare(era: Era): Spare | undefined
  /** Ends it with its process group. Idempotent, and resolves when it is gone. */
  close(): Promise<void>
}

/** Heir is who uses the process once it is known what it speaks. */
interface Heir {
  readonly listener: UpstreamListener
  readonly events: EventSink
  /** Answers its `initialize` when the process has answered the one that it was asked by. */
  readonly onInitialized: () => void
}

type Json = Readonly<Record<string, unknown>>

interface Options {
  readonly backend: Backend
  readonly endpoint: StdioEndpoint
  readonly env: Readonly<Record<string, string | undefined>>
}

/** openSibling starts the command as the Endpoint does. Rejects with NO_HEALTHY_ENDPOINT where it cannot be started. */
export const openSibling = async (options: Options): Promise<Sibling> => {
  const { backend, endpoint, env } = options
  let settle: (heard: Heard) => void = () => undefined
  const first = new Promise<Heard>((resolve) => {
    settle = resolve
  })
  let how = 'it ended'
  let opened: RouterEvent | undefined
  let initialize: { readonly params: string; answer: Message | undefined } | undefined
  let heir: Heir | undefined
  let over: { readonly cause: Error | undefined } | undefined
  const upstream = await openStdioUpstream({
    endpoint,
    backend,
    env,
    // It is no Upstream that anybody counts on: what it says aside is for whoever asks why it failed.
    events: {
      emit(event) {
        if (event.kind === 'upstream') how = event.reason
        if (event.kind === 'upstream' && event.action === 'opened') opened = event
        heir?.events.emit(event)
      },
    },
    listener: {
      onMessage(message) {
        if (message.kind === 'response' && message.id === '"initialize"' && initialize) {
          initialize.answer ??= message
          heir?.onInitialized()
        } else heir?.listener.onMessage(message)
        if (message.kind !== 'response') return
        const question = message.id === '"initialize"' ? 'initialize' : 'server/discover'
        const finding = findingFrom(message.bytes, question)
        if (finding) settle({ kind: 'answered', finding })
      },
      onClose(cause) {
        over = { cause }
        settle({ kind: 'ended', how, lastWords: upstream.lastWords?.() ?? '' })
        heir?.listener.onClose(cause)
      },
    },
  })
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= upstream.close())

  const adopt = (listener: UpstreamListener, events: EventSink): Upstream => {
    // The id under which its new owner waits for the answer to `initialize`.
    let waiting: string | undefined
    const onInitialized = (): void => {
      const answer = initialize?.answer
      if (!answer || waiting === undefined) return
      const { bytes } = spliceId(answer, waiting)
      const id = waiting
      waiting = undefined
      listener.onMessage({ bytes, kind: 'response', id, method: '' })
    }
    heir = { listener, events, onInitialized }
    if (opened) events.emit(opened)
    if (over) queueMicrotask(() => listener.onClose(over?.cause))
    const send = (message: Message): Promise<void> => {
      if (message.method !== 'initialize' || !initialize) return upstream.send(message)
      waiting = message.id
      queueMicrotask(onInitialized)
      return Promise.resolve()
    }
    return { ...upstream, send, pass: passBy(send), close }
  }

  return {
    // Where it is gone already, that is what is heard.
    ask(question, params = ownInitialize) {
      const isOpening = question === 'initialize'
      if (isOpening) initialize = { params: JSON.stringify(params), answer: undefined }
      const bytes = isOpening ? initializeBytes(params) : questionBytes[question]
      discard(upstream.send(scanMessage(bytes)))
    },
    spare(era) {
      const isRefused = initialize?.answer && !resultOf(initialize.answer)
      if (over || (era === 'legacy' && isRefused)) return undefined
      // A modern server takes no notice of it.
      return { initializedWith: era === 'legacy' ? initialize?.params : undefined, adopt, close }
    },
    async heard(ms) {
      let timer: NodeJS.Timeout | undefined
      const silence = new Promise<Heard>((resolve) => {
        timer = setTimeout(
          () => resolve({ kind: 'silent', lastWords: upstream.lastWords?.() ?? '' }),
          ms,
        )
      })
      return Promise.race([first, silence]).finally(() => clearTimeout(timer))
    },
    close,
  }
}
