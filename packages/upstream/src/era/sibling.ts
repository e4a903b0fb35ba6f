import type { Backend, StdioEndpoint } from '@mcp-router/core'
import { scanMessage } from '@mcp-router/protocol'
import { openStdioUpstream } from '../stdio/upstream.js'
import { discard } from '../upstream.js'
import { questionBytes } from './discover.js'
import type { Question } from './discover.js'
import { findingFrom } from './finding.js'
import type { Finding } from './finding.js'

/** Heard is the first thing that came of asking a Sibling. */
export type Heard =
  | { readonly kind: 'answered'; readonly finding: Finding }
  | { readonly kind: 'ended'; readonly how: string; readonly lastWords: string }
  | { readonly kind: 'silent' }

/** Sibling is a process of a stdio Endpoint for questions only: some servers leave at what they do not know. */
export interface Sibling {
  ask(question: Question): void
  /** Waits this long for what comes of the questions; what came once is told again. */
  heard(ms: number): Promise<Heard>
  /** Ends it with its process group. Idempotent, and resolves when it is gone. */
  close(): Promise<void>
}

interface Options {
  readonly backend: Backend
  readonly endpoint: StdioEndpoint
  readonly env: Readonly<Record<string, string | undefined>>
}

/** openSibling starts the command as the Endpoint does. Rejects with NO_HEALTHY_ENDPOINT where it cannot be started. */
export const openSibling = async (options: Options): Promise<Sibling> => {
  const { backend, endpoint, env } = options
  const lines: string[] = []
  let settle: (heard: Heard) => void = () => undefined
  const first = new Promise<Heard>((resolve) => {
    settle = resolve
  })
  let how = 'it ended'
  const upstream = await openStdioUpstream({
    endpoint,
    backend,
    env,
    // It is no Upstream that anybody counts on: what it says aside is for whoever asks why it failed.
    events: {
      emit(event) {
        if (event.kind === 'stderr' && lines.length < maxLines) lines.push(event.line)
        if (event.kind === 'upstream') how = event.reason
      },
    },
    listener: {
      onMessage(message) {
        if (message.kind !== 'response') return
        const question = message.id === '"initialize"' ? 'initialize' : 'server/discover'
        const finding = findingFrom(message.bytes.toString('utf8'), question)
        if (finding) settle({ kind: 'answered', finding })
      },
      onClose: () => settle({ kind: 'ended', how, lastWords: tellingOf(lines) }),
    },
  })
  let closing: Promise<void> | undefined
  return {
    // Where it is gone already, that is what is heard.
    ask: (question) => discard(upstream.send(scanMessage(questionBytes[question]))),
    async heard(ms) {
      let timer: NodeJS.Timeout | undefined
      const silence = new Promise<Heard>((resolve) => {
        timer = setTimeout(() => resolve({ kind: 'silent' }), ms)
      })
      return Promise.race([first, silence]).finally(() => clearTimeout(timer))
    },
    close: () => (closing ??= upstream.close()),
  }
}

const maxLines = 100

/** tellingOf picks the line that says what went wrong: of a stack trace neither the first nor the last does. */
const tellingOf = (lines: readonly string[]): string =>
  (lines.find((line) => /^\s*(npm )?[\w.]*error\b/i.test(line)) ?? lines.at(-1) ?? '').trim()
