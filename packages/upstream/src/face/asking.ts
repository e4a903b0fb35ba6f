import { randomUUID } from 'node:crypto'
import {
  legacyInputRequest,
  notificationBytes,
  requestBytes,
  scanMessage,
} from '@mcp-router/protocol'
import type { InputRequest, Message } from '@mcp-router/protocol'
import type { UpstreamListener } from '../upstream.js'
import { answerOf } from '../modern/answer.js'

type Json = Readonly<Record<string, unknown>>

interface Question {
  readonly about: string
  readonly resolve: (result: Json) => void
  readonly reject: (error: Error) => void
}

/** ClientTerms are what the client agreed to when it opened its session. */
export interface ClientTerms {
  readonly revision: string
  readonly capabilities: Json
}

/** Asking puts the questions of a modern server (MRTR) to a client with a session, as requests of the server, and hears its answers. */
export class Asking {
  private readonly listener: UpstreamListener
  private readonly open = new Map<string, Question>()

  constructor(listener: UpstreamListener) {
    this.listener = listener
  }

  /** ask resolves with what the client answered; it rejects where it cannot be asked, or refuses to answer. `about`: id of its call. */
  ask(request: InputRequest, terms: ClientTerms, about: string): Promise<Json> {
    // A session may have other faces, on other Instances: a late answer to one must not pass for that to another.
    const name = `mcp-router-${randomUUID()}`
    const legacy = legacyInputRequest(request, { ...terms, elicitationId: name })
    if (!legacy) {
      return Promise.reject(new Error(`the client cannot be asked for ${request.method}`))
    }
    return new Promise((resolve, reject) => {
      this.open.set(JSON.stringify(name), { about, resolve, reject })
      const message = scanMessage(requestBytes(name, legacy.method, legacy.params))
      this.listener.onMessage(message, about)
    })
  }

  /** answer takes a response of the client. */
  answer(message: Message): void {
    const question = this.open.get(message.id)
    if (!question) return
    this.open.delete(message.id)
    const { result, error } = answerOf(message)
    if (result) question.resolve(result)
    else question.reject(new Error(`the client refused: ${textOf(error)}`))
  }

  /** drop takes back the questions of a call that is over. */
  drop(about: string): void {
    for (const [id, question] of this.open) {
      if (question.about !== about) continue
      this.open.delete(id)
      const params = { requestId: JSON.parse(id) as string } // written by `ask`
      const bytes = notificationBytes('notifications/cancelled', params)
      this.listener.onMessage(scanMessage(bytes), about)
      question.reject(new Error('the call is over'))
    }
  }
}

const textOf = (error: Json | undefined): string => {
  const message = error?.['message']
  return typeof message === 'string' ? message : 'without a reason'
}
