import { RouterError } from '@mcp-router/core'
import {
  errorBytes,
  exactParamsOf,
  inputRequired,
  isRecord,
  isTooDeep,
  legacyError,
  legacyResult,
  modernParams,
  paramHeaders,
  resultBytes,
} from '@mcp-router/protocol'
import type { ClientFace, InputRequired, Message } from '@mcp-router/protocol'
import type { ToolCatalogEntry } from '../catalog.js'
import type { ModernCall, ModernChannel, ModernListener } from '../modern/channel.js'
import { sendModern } from '../modern/send.js'
import { answerOf } from '../modern/answer.js'
import type { UpstreamListener } from '../upstream.js'
import type { Asking } from './asking.js'

type Json = Readonly<Record<string, unknown>>

/** FaceContext is what a FaceCall needs of its face. */
export interface FaceContext {
  readonly backend: string
  readonly channel: ModernChannel
  readonly listener: UpstreamListener
  readonly asking: Asking
  client(): ClientFace
  revision(): string
  findTool(name: string): Promise<ToolCatalogEntry | undefined>
  forgetTools(): void
}

/** So often a server may ask for more before the call fails; the specification sets no bound, an endless loop must end. */
const maxRounds = 10

/** A server that asks nothing, and wants the call once more, is most likely busy: it has this long, ms, as official SDK clients give it. */
const pauseMs = 250

/** HeaderMismatch: our idea of the tool's schema may be old. */
const headerMismatch = -32020

/**
 * FaceCall is one request of a client with a session at a modern server: it adds the envelope, puts what the server asks for to the
 * client, sends it again with the answers (MRTR), and writes the result as a session has it.
 */
export class FaceCall implements ModernListener {
  private readonly context: FaceContext
  private readonly message: Message
  private readonly params: Json | undefined
  private readonly onDone: (error: Error | undefined) => void
  /** What this round adds to the params: answers, and the state of the server. */
  private more: Json = {}
  private tool: ToolCatalogEntry | undefined
  private call: ModernCall | undefined
  private rounds = 0
  private refreshed = false
  private over = false

  /** `onDone` comes once: without an error when the answer went to the listener, or none is awaited any more. */
  constructor(context: FaceContext, message: Message, onDone: (error: Error | undefined) => void) {
    this.context = context
    this.message = message
    this.params = exactParamsOf(message)
    this.onDone = onDone
  }

  async start(): Promise<void> {
    const { method } = this.message
    const params = { ...modernParams(this.params, this.context.client()), ...this.more }
    let headers: string[] = []
    if (method === 'tools/call') {
      this.tool = await this.context.findTool(String(params['name']))
      headers = paramHeaders(this.tool?.declarations ?? [], params['arguments'])
    }
    if (this.over) return
    this.call = sendModern(this.context.channel, { method, params, headers }, this)
  }

  abort(isLate?: boolean): void {
    if (!this.finish()) return
    this.call?.abort(isLate)
    this.onDone(undefined)
  }

  fail(error: Error): void {
    if (this.finish()) this.onDone(error)
  }

  onNotification(message: Message): void {
    this.context.listener.onMessage(message, this.message.id)
  }

  onFailed(error: Error): void {
    this.fail(error)
  }

  onResponse(message: Message): void {
    const { result, error } = answerOf(message)
    if (result) this.onResult(result)
    else if (error) this.onError(error)
    else if (isTooDeep(message.bytes)) this.fail(this.badAnswer('a result that is nested too deep'))
    else this.fail(this.badAnswer('a response without result'))
  }

  private onResult(result: Json): void {
    switch (result['resultType'] ?? 'complete') {
      case 'complete': {
        const to = { revision: this.context.revision(), wraps: this.tool?.wraps ?? false }
        this.answer(resultBytes(this.message.id, legacyResult(this.message.method, result, to)))
        return
      }
      case 'input_required':
        this.onInputRequired(result)
        return
      default:
        this.fail(this.badAnswer(`resultType "${String(result['resultType'])}"`))
    }
  }

  private onInputRequired(result: Json): void {
    const required = inputRequired(this.message.method, result)
    if ('fault' in required) this.fail(this.badAnswer(required.fault))
    else this.askFor(required).catch((error: unknown) => this.refuse(error))
  }

  private async askFor({ asked, state }: InputRequired): Promise<void> {
    this.rounds++
    if (this.rounds > maxRounds)
      throw new Error(`the server answered input_required more than ${maxRounds} times`)
    const terms = { revision: this.context.revision(), ...this.context.client() }
    const answers = await Promise.all(
      asked.map(async ([key, request]) => {
        const answer = await this.context.asking.ask(request, terms, this.message.id)
        return [key, answer] as const
      }),
    )
    if (asked.length === 0) await pause()
    if (this.over) return
    this.more = {
      ...(asked.length > 0 && { inputResponses: Object.fromEntries(answers) }),
      ...(state !== undefined && { requestState: state }),
    }
    await this.start()
  }

  private onError(error: Json): void {
    const isTool = this.message.method === 'tools/call'
    if (error['code'] === headerMismatch && isTool && !this.refreshed) {
      this.refreshed = true
      this.context.forgetTools()
      this.start().catch((thrown: unknown) => this.refuse(thrown))
      return
    }
    const { code, message, data } = legacyError(error)
    const details = isRecord(data) ? data : undefined
    this.answer(errorBytes(this.message.id, Number(code), String(message), details))
  }

  /** The call ends without the server: what a host shows of a tool is its result, of everything else the error. */
  private refuse(thrown: unknown): void {
    const { id, method } = this.message
    const text = thrown instanceof Error ? thrown.message : String(thrown)
    const shown = { content: [{ type: 'text', text }], isError: true }
    this.answer(method === 'tools/call' ? resultBytes(id, shown) : errorBytes(id, -32603, text))
  }

  private answer(bytes: Buffer): void {
    if (!this.finish()) return
    const { id } = this.message
    this.context.listener.onMessage({ bytes, kind: 'response', id, method: '' }, id)
    this.onDone(undefined)
  }

  private badAnswer(reason: string): RouterError {
    return new RouterError('UPSTREAM_BAD_ANSWER', { backend: this.context.backend, reason })
  }

  private finish(): boolean {
    if (this.over) return false
    this.over = true
    this.context.asking.drop(this.message.id)
    return true
  }
}

const pause = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, pauseMs)
  })
