import type { Backend } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import {
  errorBytes,
  isStrayProgress,
  notificationBytes,
  requestBytes,
  resultBytes,
  scanMessage,
  spliceProgressToken,
} from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { answerOf } from '../modern/answer.js'
import { discard, SessionLost } from '../upstream.js'
import type { Upstream, UpstreamListener } from '../upstream.js'

type Json = Readonly<Record<string, unknown>>

/** LaneCaller is the one call that has a Lane: it hears all that the server says meanwhile. */
export interface LaneCaller {
  /** The response, its id the Lane's own. */
  onAnswer(response: Message): void
  /** The server asks the client something. */
  onAsked(request: Message): void
  /** Progress comes under a token of the Lane's own. */
  onSaid(notification: Message): void
  /** No answer will come. */
  onFailed(error: Error): void
}

/** LaneListener hears of the resources that it subscribed to. */
export interface LaneListener {
  onUpdated(message: Message): void
  /** The session goes on only for who listens: calls, and what they make the server tell, go through another. */
  onSpent?(): void
  /** Nothing more will be told. */
  onLost(): void
}

interface LaneHooks {
  /** The server tells of a changed list. */
  onChange(message: Message): void
  /** The session has ended, for whatever reason. Once. */
  onGone(): void
}

/** Notifications that belong to no call. */
const listChange = /^notifications\/(?:tools|prompts|resources)\/list_changed$/

const askMs = 30_000
/** A call waits for that. ms */
const levelMs = 2_000
const notYet: Json = {}

/**
 * Lane is a session of the router's own at a server with sessions, on behalf of clients without: it has declared what the client can do,
 * and takes one call at a time, so that whatever the server asks or tells belongs to that call.
 */
export class Lane implements UpstreamListener {
  /** The InitializeResult. */
  handshake: Json = notYet
  /** ms since the epoch */
  usedAt = Date.now()
  readonly listeners = new Set<LaneListener>()
  /** It was released before: the state of its server since is unknown. */
  wasReleased = false
  private readonly backend: Backend
  private readonly hooks: LaneHooks
  private upstream: Upstream | undefined
  private caller: LaneCaller | undefined
  private callId = ''
  private callToken: string | undefined
  private readonly asked = new Map<string, (answer: Message | Error) => void>()
  private level: string | undefined
  private subscribed = new Map<string, number>()
  private ids = 0
  private listensToAll = false
  /** A call was abandoned here, of which the server may still have to say: another must not take that for its own. */
  private spent = false
  private over = false

  constructor(backend: Backend, hooks: LaneHooks) {
    this.backend = backend
    this.hooks = hooks
  }

  /** open shakes hands over an Upstream that this Lane listens to. */
  async open(upstream: Upstream, initialize: Json): Promise<void> {
    this.upstream = upstream
    // Its Upstream limits how long that takes.
    const answer = await this.ask('initialize', initialize, Infinity)
    await upstream.send(scanMessage(notificationBytes('notifications/initialized')))
    this.handshake = answer
    this.usedAt = Date.now()
  }

  isOpen(): boolean {
    return !this.over && this.handshake !== notYet
  }

  isFree(): boolean {
    return this.isOpen() && !this.caller && !this.spent
  }

  /** isSpent tells that it takes no calls any more. */
  isSpent(): boolean {
    return this.over || this.spent
  }

  isIdle(): boolean {
    return this.isOpen() && !this.caller && this.listeners.size === 0
  }

  offers(capability: string): boolean {
    const capabilities = this.handshake['capabilities']
    return typeof capabilities === 'object' && capabilities !== null && capability in capabilities
  }

  /** call sends a request; the Lane is the caller's until `release`. */
  call(method: string, params: Json | undefined, caller: LaneCaller): void {
    if (this.caller) throw new TypeError('this lane has a call already')
    if (!this.upstream || this.over) {
      caller.onFailed(new SessionLost(this.backend.name))
      return
    }
    this.caller = caller
    const bytes = requestBytes(++this.ids, method, params)
    // Calls of other clients came before, whose tokens may be the same: each call has one of its own.
    const tokened = spliceProgressToken({ bytes }, String(this.ids))
    const message = scanMessage(tokened?.bytes ?? bytes)
    this.callId = message.id
    this.callToken = tokened && message.id
    this.upstream.pass(message, (error) => {
      // Its answer may have come before it broke off: by now another call may have the Lane.
      if (this.callId === message.id) this.caller?.onFailed(error)
    })
  }

  /** reply answers what the server asked. */
  async reply(request: Message, result: Json): Promise<void> {
    const bytes = resultBytes(request.id, result)
    await this.connected().send({ bytes, kind: 'response', id: request.id, method: '' })
  }

  refuse(request: Message, code: number, text: string): void {
    const bytes = errorBytes(request.id, code, text)
    const answer: Message = { bytes, kind: 'response', id: request.id, method: '' }
    discard(Promise.resolve().then(() => this.connected().send(answer)))
  }

  release(): void {
    this.caller = undefined
    this.callId = ''
    this.callToken = undefined
    this.usedAt = Date.now()
  }

  /** abandon gives up the call: the server is told, and the Lane takes no other. It ends, unless somebody listens and goes elsewhere first. */
  async abandon(): Promise<void> {
    this.spent = true
    if (this.callId) this.upstream?.cancel(this.callId)
    this.release()
    if (this.listeners.size === 0) await this.close()
    for (const listener of [...this.listeners]) listener.onSpent?.()
  }

  /** setLevel has the server log at this level from now on, where it logs at all. */
  async setLevel(level: string): Promise<void> {
    if (this.level === level || !this.offers('logging')) return
    await this.ask('logging/setLevel', { level }, levelMs)
    this.level = level
  }

  /** hearAll receives what the server says outside of calls, too. It resolves once that is received, or will not be: some servers forget it until then. */
  listenToAll(): Promise<void> | undefined {
    const upstream = this.connected()
    if (!this.listensToAll) upstream.listen()
    this.listensToAll = true
    return upstream.heard?.()
  }

  /** listen subscribes to these resources until the returned function is called; changed lists are told of as long. */
  async listen(uris: readonly string[], listener: LaneListener): Promise<() => void> {
    this.listeners.add(listener)
    const taken: string[] = []
    const stop = (): void => {
      if (!this.listeners.delete(listener)) return
      this.usedAt = Date.now()
      for (const uri of taken) this.unsubscribe(uri)
      if (this.spent && this.listeners.size === 0) discard(this.close())
    }
    try {
      const heard = this.listenToAll()
      if (heard) await heard
      for (const uri of uris) {
        const count = this.subscribed.get(uri) ?? 0
        this.subscribed.set(uri, count + 1)
        taken.push(uri)
        if (count === 0) await this.ask('resources/subscribe', { uri }, askMs)
      }
    } catch (error) {
      stop()
      throw error
    }
    return stop
  }

  /** ask sends a request of the router's own and resolves with its result. */
  ask(method: string, params: Json, waitMs = askMs): Promise<Json> {
    return new Promise((resolve, reject) => {
      const upstream = this.connected()
      const message = scanMessage(requestBytes(++this.ids, method, params))
      const onLate = (): void => settle(new Error(`${method} was not answered`))
      const tooLong = waitMs === Infinity ? undefined : setTimeout(onLate, waitMs)
      const settle = (answer: Message | Error): void => {
        clearTimeout(tooLong)
        this.asked.delete(message.id)
        const result = answer instanceof Error ? undefined : answerOf(answer).result
        if (result) resolve(result)
        else reject(answer instanceof Error ? answer : new Error(`${method} was refused`))
      }
      this.asked.set(message.id, settle)
      upstream.pass(message, settle)
    })
  }

  onMessage(message: Message): void {
    switch (message.kind) {
      case 'response':
        if (message.id === this.callId) this.caller?.onAnswer(message)
        else this.asked.get(message.id)?.(message)
        return
      case 'request':
        this.hearRequest(message)
        return
      case 'notification':
        if (listChange.test(message.method)) this.hooks.onChange(message)
        else if (message.method === 'notifications/resources/updated') this.notifyUpdated(message)
        else if (!isStrayProgress(message, (token) => token === this.callToken)) {
          this.caller?.onSaid(message)
        }
    }
  }

  onClose(cause: Error | undefined): void {
    if (this.over) return
    this.over = true
    const { caller } = this
    this.release()
    const { name } = this.backend
    const error = cause ?? new RouterError('UPSTREAM_FAILED', { backend: name, reason: 'closed' })
    for (const settle of [...this.asked.values()]) settle(error)
    this.hooks.onGone()
    caller?.onFailed(error)
    for (const listener of [...this.listeners]) listener.onLost()
  }

  async close(): Promise<void> {
    this.onClose(undefined)
    await this.upstream?.close()
  }

  private notifyUpdated(message: Message): void {
    for (const listener of [...this.listeners]) listener.onUpdated(message)
  }

  private hearRequest(message: Message): void {
    if (message.method === 'ping') {
      discard(Promise.resolve().then(() => this.reply(message, {})))
    } else if (this.caller) {
      this.caller.onAsked(message)
    } else {
      this.refuse(message, -32603, 'no call is under way whose client could be asked')
    }
  }

  private unsubscribe(uri: string): void {
    const count = (this.subscribed.get(uri) ?? 1) - 1
    if (count > 0) {
      this.subscribed.set(uri, count)
      return
    }
    this.subscribed.delete(uri)
    if (!this.over) discard(this.ask('resources/unsubscribe', { uri }, askMs))
  }

  private connected(): Upstream {
    if (!this.upstream || this.over) throw new SessionLost(this.backend.name)
    return this.upstream
  }
}
