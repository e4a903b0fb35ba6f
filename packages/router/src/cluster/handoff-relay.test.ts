import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { HttpController } from '@mcp-router/upstream'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createDeadlines } from '../calls/deadlines.js'
import { Incoming } from '../http/incoming.js'
import { createKeepAlive } from '../http/keep-alive.js'
import { HandoffRelay } from './handoff-relay.js'

const open = (onFailed: (relay: HandoffRelay) => boolean) => {
  const [keep, deadlines] = [createKeepAlive(60_000), createDeadlines()]
  onTestFinished(() => {
    keep.close()
    deadlines.close()
  })
  const req = Object.assign(new IncomingMessage(new Socket()), { method: 'POST' })
  const res = new ServerResponse(req)
  const incoming = new Incoming(req, res, { name: 'ada' }, 'http', 0, { emit: () => undefined })
  const relay: HandoffRelay = new HandoffRelay(incoming, { keep, deadlines }, () => onFailed(relay))
  const connection = { paused: false, pause: vi.fn(), resume: vi.fn(), abort: vi.fn() }
  const controller = connection as unknown as HttpController
  const start = (type: string): void => {
    relay.onRequestStart(controller)
    const headers = { 'content-type': type, 'x-mcp-router-handoff': '1' }
    relay.onResponseStart(controller, 200, headers)
  }
  start('text/event-stream')
  relay.begin()
  return { res, relay, connection, controller, start }
}

it('leaves the connection alone once the answer has ended: it may carry another request', () => {
  const { relay, connection, controller, start } = open(() => false)
  // The one that was asked is gone; the next one answers the stream that has begun with JSON.
  start('application/json')
  relay.onResponseData(controller, Buffer.alloc(1024 * 1024, ' '))
  relay.onResponseEnd()
  expect(connection.pause).not.toHaveBeenCalled()
  relay.cancel(new Error('its lease has lapsed'))
  expect(connection.abort).not.toHaveBeenCalled()
})

it.each([true, false])(
  'ends half an event before anything else is written (somebody goes on: %s)',
  (goesOn) => {
    const { res, relay, controller } = open((own) => {
      if (!goesOn) return false
      own.stopWriting()
      return res.write('data: more\n\n')
    })
    const written: string[] = []
    const keep = (chunk: unknown): boolean => {
      written.push(String(chunk))
      return true
    }
    vi.spyOn(res, 'write').mockImplementation(keep)
    vi.spyOn(res, 'end').mockImplementation((chunk?: unknown) => {
      keep(chunk ?? '')
      return res
    })
    relay.onResponseData(controller, Buffer.from('data: {"half'))
    relay.onResponseError(controller, new Error('reset'))
    expect(written.join('')).toMatch(/^data: \{"half\n\n(?:event: message\n)?data: /)
  },
)
