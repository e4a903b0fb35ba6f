import type { Backend } from '@mcp-router/core'
import { asError, RouterError } from '@mcp-router/core'
import {
  cancelledId,
  errorBytes,
  initializeResult,
  isRecord,
  latestLegacy,
  legacyError,
  modernCapabilities,
  modernParams,
  paramsOf,
  resultBytes,
} from '@mcp-router/protocol'
import type { ClientFace, Message } from '@mcp-router/protocol'
import type { ToolCatalogEntry, ToolCatalog } from '../catalog.js'
import { BadAnswer } from '../http/bad-answer.js'
import type { ModernChannel } from '../modern/channel.js'
import { listModernTools } from '../modern/list-tools.js'
import { askModern, ModernError, NotAnswered } from '../modern/send.js'
import { passBy } from '../upstream.js'
import type { Upstream, UpstreamListener } from '../upstream.js'
import { lateOpening } from '../watched.js'
import { Asking } from './asking.js'
import { FaceCall } from './call.js'
import type { FaceContext } from './call.js'
import { Changes } from './changes.js'

type Json = Readonly<Record<string, unknown>>

interface Options {
  readonly backend: Backend
  readonly channel: ModernChannel
  readonly catalog: ToolCatalog
  readonly listener: UpstreamListener
  /** How long the server may take to answer `server/discover`, ms: a command may first have to be fetched (npx). */
  readonly openTimeoutMs: number
}

const levels = 'debug info notice warning error critical alert emergency'.split(' ')

/** What a server with sessions answers and a modern one knows nothing of; tasks of 2025-11-25 have no counterpart on the wire. */
const hasNoCounterpart = /^(tasks\/|initialize$|server\/discover$|subscriptions\/)/

/** A method goes into a header (`Mcp-Method`): of anything else a line break could be made. */
const isFieldValue = /^[\x21-\x7e]+$/

/**
 * LegacyFace makes a modern server look like one with sessions: an Upstream that answers `initialize` from `server/discover`, keeps what
 * a session keeps (capabilities, logging level, subscriptions), sends requests with their envelope, and turns what the server asks for
 * into requests of the server.
 */
export class LegacyFace implements Upstream, FaceContext {
  readonly backend: string
  readonly channel: ModernChannel
  readonly listener: UpstreamListener
  readonly asking: Asking
  readonly pass = passBy((message) => this.send(message))
  private readonly options: Options
  private readonly changes: Changes
  private readonly calls = new Map<string, FaceCall>()
  private uris: readonly string[] = []
  private face: ClientFace = { capabilities: {}, clientInfo: undefined, logLevel: undefined }
  private offered: Json = {}
  private agreed: string = latestLegacy
  private closed = false

  constructor(options: Options) {
    this.options = options
    this.backend = options.backend.name
    this.channel = options.channel
    this.listener = options.listener
    this.asking = new Asking(options.listener)
    this.changes = new Changes({
      channel: options.channel,
      client: () => this.face,
      onChange: (message) => this.onChange(message),
    })
  }

  client(): ClientFace {
    return this.face
  }

  revision(): string {
    return this.agreed
  }

  async findTool(name: string): Promise<ToolCatalogEntry | undefined> {
    const { catalog, backend } = this.options
    try {
      return (await catalog.tools(backend, (cursor) => listModernTools(this.channel, cursor))).find(
        name,
      )
    } catch {
      // Then the server says what it misses.
      return undefined
    }
  }

  forgetTools(): void {
    this.options.catalog.forget(this.options.backend.name)
  }

  async send(message: Message): Promise<void> {
    switch (message.kind) {
      case 'request':
        return this.request(message)
      case 'response':
        this.asking.answer(message)
        return
      case 'notification':
        if (message.method === 'notifications/cancelled') this.cancel(cancelledId(message))
    }
  }

  cancel(id: string, isLate?: boolean): void {
    this.calls.get(id)?.abort(isLate)
  }

  listen(): void {
    const lists = Object.entries(listFilters).flatMap(([capability, filter]) => {
      const offered = this.offered[capability]
      return isRecord(offered) && offered['listChanged'] === true ? [[filter, true] as const] : []
    })
    this.changes.want(Object.fromEntries(lists))
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.changes.close()
    for (const call of [...this.calls.values()]) call.abort()
    this.listener.onClose(undefined)
    return Promise.resolve()
  }

  private async request(message: Message): Promise<void> {
    if (this.closed) {
      throw new RouterError('UPSTREAM_FAILED', { backend: this.backend, reason: 'closed' })
    }
    switch (message.method) {
      case 'initialize':
        return this.initialize(message)
      case 'ping':
        this.answer(message, resultBytes(message.id, {}))
        return
      case 'logging/setLevel':
        this.setLevel(message)
        return
      case 'resources/subscribe':
      case 'resources/unsubscribe':
        return this.subscribe(message)
    }
    if (hasNoCounterpart.test(message.method) || !isFieldValue.test(message.method)) {
      this.refuse(message, -32601, 'Method not found')
      return
    }
    return new Promise((resolve, reject) => {
      const call = new FaceCall(this, message, (error) => {
        if (this.calls.get(message.id) === call) this.calls.delete(message.id)
        if (error) reject(error)
        else resolve()
      })
      this.calls.set(message.id, call)
      call.start().catch((error: unknown) => {
        call.fail(asError(error))
      })
    })
  }

  private async initialize(message: Message): Promise<void> {
    const { openTimeoutMs } = this.options
    const params = paramsOf(message) ?? {}
    const { capabilities, clientInfo, protocolVersion } = params
    this.face = {
      capabilities: modernCapabilities(isRecord(capabilities) ? capabilities : {}),
      clientInfo: isRecord(clientInfo) ? clientInfo : undefined,
      logLevel: undefined,
    }
    try {
      const envelope = modernParams(undefined, this.face)
      const request = { method: 'server/discover', params: envelope }
      const discovered = await askModern(this.channel, request, openTimeoutMs)
      const result = initializeResult(discovered, protocolVersion, this.backend)
      this.offered = isRecord(result['capabilities']) ? result['capabilities'] : {}
      this.agreed = String(result['protocolVersion'])
      this.answer(message, resultBytes(message.id, result))
    } catch (error) {
      if (error instanceof NotAnswered) {
        const reason = lateOpening('server/discover', openTimeoutMs)
        throw new RouterError(
          'OPENING_FAILED',
          { backend: this.backend, reason, late: true },
          error,
        )
      }
      if (error instanceof BadAnswer) {
        const data = { backend: this.backend, reason: error.message }
        throw new RouterError('UPSTREAM_BAD_ANSWER', data, error)
      }
      if (!(error instanceof ModernError)) throw error
      const { code, message: text } = legacyError(error.error)
      this.refuse(message, Number(code), String(text))
    }
  }

  private setLevel(message: Message): void {
    const level = paramsOf(message)?.['level']
    if (!this.offered['logging'])
      this.refuse(message, -32601, 'Method not found: the server does not log')
    else if (typeof level !== 'string' || !levels.includes(level)) {
      this.refuse(message, -32602, `Invalid level: send one of ${levels.join(', ')}`)
    } else {
      this.face = { ...this.face, logLevel: level }
      this.answer(message, resultBytes(message.id, {}))
    }
  }

  private async subscribe(message: Message): Promise<void> {
    const uri = paramsOf(message)?.['uri']
    const offered = this.offered['resources']
    if (!isRecord(offered) || offered['subscribe'] !== true) {
      this.refuse(message, -32601, 'Method not found: the server takes no subscriptions')
      return
    }
    if (typeof uri !== 'string') {
      this.refuse(message, -32602, 'Invalid uri: send a string')
      return
    }
    const others = this.uris.filter((each) => each !== uri)
    this.uris = message.method === 'resources/subscribe' ? [...others, uri] : others
    await this.changes.watch(this.uris)
    this.answer(message, resultBytes(message.id, {}))
  }

  private onChange(message: Message): void {
    if (message.method === 'notifications/tools/list_changed') this.forgetTools()
    this.listener.onMessage(message)
  }

  private refuse(message: Message, code: number, text: string): void {
    this.answer(message, errorBytes(message.id, code, text))
  }

  private answer({ id }: Message, bytes: Buffer): void {
    this.listener.onMessage({ bytes, kind: 'response', id, method: '' }, id)
  }
}

/** The filter of a listen for each capability that may have `listChanged`. */
const listFilters = {
  tools: 'toolsListChanged',
  prompts: 'promptsListChanged',
  resources: 'resourcesListChanged',
} as const
