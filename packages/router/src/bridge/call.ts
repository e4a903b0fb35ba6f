import { asError } from '@mcp-router/core'
import type { RouterError } from '@mcp-router/core'
import { answerOf } from '@mcp-router/upstream'
import type { Lane, LaneCaller } from '@mcp-router/upstream'
import {
  isRecord,
  modernInputRequest,
  paramsOf,
  resultBytes,
  scanMessage,
  spliceId,
  spliceProgressToken,
  urlInputRequests,
} from '@mcp-router/protocol'
import type { InputRequest, Message } from '@mcp-router/protocol'
import type { Decision, Recovery } from '../calls/recover.js'
import { answerModern } from './answer.js'
import { questionIn } from './question.js'
import type { Question } from './question.js'
import type { ModernOutlet } from '../outlet/modern-outlet.js'

type Json = Readonly<Record<string, unknown>>

/** What a server asks within this belongs in one round: it may ask several things at once, ms. */
const coalesceMs = 30

/** CallHooks are what a BridgedCall needs of where it is kept. */
export interface CallHooks {
  /** The state that the client must send with its answers; the call is parked on its Lane until then. */
  park(call: BridgedCall, lane: Lane): string
  /** Its client came back to it. */
  onBack(lane: Lane): void
  /** The state of a call that is to be made anew with the answers. */
  again(): string
  /** Another Lane, for a call that the server certainly did not take. */
  retake(): Promise<Lane>
  /** A call went through it before: that it is lost says nothing of new ones. */
  wasUsed(lane: Lane): boolean
  /** The call has left its Lane, which is free, or was given up. */
  onOver(lane: Lane): void
}

/** BridgedRequest is a request of a modern client as a server with sessions gets it. */
export interface BridgedRequest {
  readonly method: string
  readonly params: Json | undefined
  /** The client wants to hear log messages. */
  readonly logs: boolean
  /** It declared that it can be asked this. */
  readonly canBeAsked: (question: InputRequest) => boolean
}

/**
 * BridgedCall is one call of a modern client at a server with sessions. What the server asks meanwhile is collected and answered to the
 * client as `input_required` (2026-07-28, MRTR); the call goes on running, parked without a request of the client, until a retry brings
 * the answers.
 */
export class BridgedCall implements LaneCaller {
  private lane: Lane
  private readonly request: BridgedRequest
  private readonly recovery: Recovery
  private readonly hooks: CallHooks
  private reply: ModernOutlet | undefined
  private token: unknown
  private questions: Question[] = []
  private asked = 0
  private collecting: NodeJS.Timeout | undefined
  /** The server's last word, come while nobody waited. */
  private outcome: Message | Error | undefined
  private hasNewLane = false
  private over = false

  constructor(lane: Lane, request: BridgedRequest, recovery: Recovery, hooks: CallHooks) {
    this.lane = lane
    this.request = request
    this.recovery = recovery
    this.hooks = hooks
  }

  /** `token` is the progress token of this request of the client, if it has one. */
  start(reply: ModernOutlet, token: unknown): void {
    this.attach(reply, token)
    if (!this.over) this.send()
  }

  /** resume goes on with the answers of a retry: bare results by key. What is missing is asked again. */
  resume(reply: ModernOutlet, token: unknown, answers: Json): void {
    if (!this.outcome) this.hooks.onBack(this.lane)
    this.attach(reply, token)
    if (this.over) return
    if (this.outcome) {
      this.settle(this.outcome)
      return
    }
    const open: Question[] = []
    for (const question of this.questions) {
      const answer = answers[question.key]
      if (isRecord(answer)) this.pass(question.request, answer)
      else open.push(question)
    }
    this.questions = open
    if (open.length > 0) this.ask()
  }

  /** giveUp ends the call without a client: it left, or its answers never came. */
  giveUp(): void {
    if (!this.finish() || this.outcome) return
    this.lane.abandon().catch(() => undefined)
    this.hooks.onOver(this.lane)
  }

  onAnswer(response: Message): void {
    this.end(response)
  }

  onFailed(error: Error): void {
    // Where the server has asked something, it had taken the call, whatever it says: and a client is not asked the same twice.
    this.recovery.after(error, (...decided) => this.recover(...decided), this.asked > 0)
  }

  onSaid(notification: Message): void {
    switch (notification.method) {
      case 'notifications/progress':
        this.sayProgress(notification)
        return
      case 'notifications/message':
        if (this.request.logs) this.reply?.say(notification)
        return
      case 'notifications/cancelled':
        this.withdraw(notification)
        return
      default:
        if (!ofSessions.test(notification.method)) this.reply?.say(notification)
    }
  }

  onAsked(request: Message): void {
    const asked = questionIn(request)
    if (!asked) {
      this.lane.refuse(request, -32602, 'the params are not valid JSON')
      return
    }
    if (!this.request.canBeAsked(asked)) {
      this.lane.refuse(request, -32601, `the client cannot be asked for ${request.method} here`)
      return
    }
    this.asked++
    const key = `input-${this.asked}`
    this.questions.push({ key, request, asked: modernInputRequest(asked) })
    this.collecting ??= setTimeout(() => this.ask(), coalesceMs)
  }

  private send(): void {
    try {
      this.lane.call(this.request.method, this.request.params, this)
    } catch (error) {
      this.end(asError(error))
    }
  }

  /** The server takes back what it asked. */
  private withdraw(notification: Message): void {
    const id = JSON.stringify(paramsOf(notification)?.['requestId'])
    this.questions = this.questions.filter(({ request }) => request.id !== id)
  }

  /** Each request of the client has a token of its own, a retry too; the server knows that of the first. */
  private sayProgress(notification: Message): void {
    if (this.token === undefined) return
    const relayed = spliceProgressToken(notification, JSON.stringify(this.token))
    if (relayed) this.reply?.say(scanMessage(relayed.bytes))
  }

  /** The Lane was open, and its server restarted since, or is gone: the call goes through another, and only once through a new one. */
  private retake(): void {
    const lost = this.lane
    if (!this.hooks.wasUsed(lost)) this.hasNewLane = true
    this.hooks.onOver(lost)
    lost.close().catch(() => undefined)
    this.hooks.retake().then(
      (lane) => {
        this.lane = lane
        if (this.over) this.hooks.onOver(lane)
        else this.send()
      },
      (error: unknown) => this.end(asError(error)),
    )
  }

  private recover(decision: Decision, failure: RouterError): void {
    if (this.over) return
    const { hasNewLane } = this
    const mayRetake = decision === 'repeat' || (isRetake.has(decision) && !hasNewLane)
    if (!this.reply || !mayRetake) {
      this.end(failure)
      return
    }
    this.retake()
    // That this Lane was new says nothing of those that are open: they may lead to a server that is gone.
    if (decision === 'repeat') this.hasNewLane = hasNewLane
  }

  private attach(reply: ModernOutlet, token: unknown): void {
    this.reply = reply
    this.token = token
    reply.whenLeft(() => this.giveUp())
  }

  /** ask answers the client's request with the questions; where none waits, the next retry gets them. */
  private ask(): void {
    clearTimeout(this.collecting)
    this.collecting = undefined
    const { reply } = this
    if (!reply || this.over || this.questions.length === 0) return
    const inputRequests = Object.fromEntries(this.questions.map(({ key, asked }) => [key, asked]))
    try {
      const requestState = this.hooks.park(this, this.lane)
      this.reply = undefined
      const result = { resultType: 'input_required', inputRequests, requestState }
      reply.answer(resultBytes(reply.incoming.id, result))
    } catch (error) {
      this.giveUp()
      reply.fail(error)
    }
  }

  private pass(request: Message, answer: Json): void {
    this.lane.reply(request, answer).catch((error: unknown) => {
      if (this.over || this.outcome) return
      // The server runs the call, and waits in vain.
      this.lane.abandon().catch(() => undefined)
      this.onFailed(asError(error))
    })
  }

  private end(outcome: Message | Error): void {
    clearTimeout(this.collecting)
    if (this.reply) {
      this.settle(outcome)
      return
    }
    if (this.over || this.outcome) return
    // What is known needs no Lane any more.
    this.outcome = outcome
    this.hooks.onOver(this.lane)
  }

  private settle(outcome: Message | Error): void {
    const { reply } = this
    if (!reply || !this.finish()) return
    const { handshake } = this.lane
    if (!this.outcome) this.hooks.onOver(this.lane)
    if (outcome instanceof Error) {
      reply.fail(outcome)
      return
    }
    const { bytes } = spliceId(outcome, reply.incoming.id)
    const urls = this.urlRequests(outcome)
    if (urls) {
      const required = { inputRequests: urls, requestState: this.hooks.again() }
      const result = { resultType: 'input_required', ...required }
      reply.answer(resultBytes(reply.incoming.id, result))
      return
    }
    const info = handshake['serverInfo']
    answerModern(reply, this.request.method, bytes, isRecord(info) ? info : undefined)
  }

  /** The server needs the client to visit something first (URL elicitation, spec 2025-11-25). */
  private urlRequests(outcome: Message): Readonly<Record<string, InputRequest>> | undefined {
    const question = { method: 'elicitation/create', params: { mode: 'url' } }
    if (!outcome.bytes.includes('-32042') || !this.request.canBeAsked(question)) return undefined
    const { error } = answerOf(outcome)
    return error && urlInputRequests(error)
  }

  private finish(): boolean {
    if (this.over) return false
    this.over = true
    clearTimeout(this.collecting)
    return true
  }
}

const isRetake: ReadonlySet<Decision> = new Set(['elsewhere', 'reopen'])

/** What servers tell within a session only, and a modern client must not be told. */
const ofSessions = /^notifications\/(?:elicitation\/complete$|tasks\/|initialized$)/
