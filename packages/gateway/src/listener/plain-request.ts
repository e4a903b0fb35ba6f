import type { Socket } from 'node:net'
import type { EdgeRequest } from '@mcp-router/router'
import type { RequestHead } from './request-head.js'

/** PlainRequest is a request that was read whole. */
export class PlainRequest implements EdgeRequest {
  readonly method: string
  url: string
  readonly headers: RequestHead['headers']
  readonly rawHeaders: readonly string[]
  readonly socket: Socket
  readonly complete = true
  private body: Buffer | undefined

  constructor(head: RequestHead, body: Buffer, socket: Socket) {
    this.method = head.method
    this.url = head.url
    this.headers = head.headers
    this.rawHeaders = head.rawHeaders
    this.socket = socket
    this.body = body
  }

  get readableLength(): number {
    return this.body?.length ?? 0
  }

  read(): Buffer | null {
    const body = this.body ?? null
    this.body = undefined
    return body
  }

  /** Nothing is to come. */
  on(): this {
    return this
  }
}
