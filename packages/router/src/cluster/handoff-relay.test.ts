import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { HttpController } from '@mcp-router/upstream'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createDeadlines } from '../calls/deadlines.js'
import { Incoming } from '../http/incoming.js'
import { createKeepAlive } from '../http/keep-alive.js'
import { HandoffRelay } from './handoff-relay.js'

it('leaves the connection alone once the answer has ended: it may carry another request', () => {
  const [keep, deadlines] = [createKeepAlive(60_000), createDeadlines()]
  onTestFinished(() => {
    keep.close()
    deadlines.close()
  })
  const req = Object.assign(new IncomingMessage(new Socket()), { method: 'POST' })
  const res = new ServerResponse(req)
  const incoming = new Incoming(req, res, { name: 'ada' }, 'http', 0, { emit: () => undefined })
  const relay = new HandoffRelay(incoming, { keep, deadlines }, () => false)
  const connection = { paused: false, pause: vi.fn(), resume: vi.fn(), abort: vi.fn() }
  const controller = connection as unknown as HttpController
  const start = (type: string): void =>
    relay.onResponseStart(controller, 200, { 'content-type': type, 'x-mcp-router-handoff': '1' })
  relay.onRequestStart(controller)
  start('text/event-stream')
  relay.begin()
  // The one that was asked is gone; the next one answers the stream that has begun with JSON.
  relay.onRequestStart(controller)
  start('application/json')
  relay.onResponseData(controller, Buffer.alloc(1024 * 1024, ' '))
  relay.onResponseEnd()
  expect(connection.pause).not.toHaveBeenCalled()
  relay.cancel(new Error('its lease has lapsed'))
  expect(connection.abort).not.toHaveBeenCalled()
})
