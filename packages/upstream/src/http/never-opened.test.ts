import { deadOrigin } from '@mcp-router/testkit/server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createHttpClient } from './client.js'
import type { HttpHandler } from './handler.js'
import { noReserve } from './reserve.js'

/** What a handler is told of a request, in order; a controller is told by which it is of those seen. */
const told = (url: string, headers: string[], mayConnect = true) =>
  new Promise<readonly string[]>((resolve) => {
    const reserve = { ...noReserve, mayConnect: () => mayConnect }
    const client = createHttpClient({ connectTimeoutMs: 1_000, reserve })
    onTestFinished(() => client.close())
    const seen: unknown[] = []
    const calls: string[] = []
    const note = (what: string, controller: unknown): void => {
      if (!seen.includes(controller)) seen.push(controller)
      calls.push(`${what} ${seen.indexOf(controller)}`)
    }
    const handler: HttpHandler = {
      onRequestStart: (controller) => note('start', controller),
      onResponseError(controller) {
        note('error', controller)
        resolve(calls)
      },
    }
    client.dispatch(url, { method: 'GET', headers }, handler)
  })

// A relay knows by its controller which of its requests failed: an error of none is of one that it gave up.
describe('a request that has no connection begins, and fails, under one controller', () => {
  it.each(['http', 'https'])('over %s', async (scheme) => {
    const url = (await deadOrigin()).replace('http:', `${scheme}:`)
    const outcome = ['start 0', 'error 0']
    expect(await told(url, ['x-key', 'a\r\nb'])).toEqual(outcome)
    expect(await told(url, [])).toEqual(outcome)
    expect(await told(url, [], false)).toEqual(outcome)
  })
})
