import { setTimeout as wait } from 'node:timers/promises'
import { until } from '@mcp-router/testkit/wait'
import { createParser } from 'eventsource-parser'
import { jsonHeaders } from '../http.js'
import { initialized } from '../rpc.js'
import type { Pending } from './judge.js'
import { cancelText, expectAnswers, initializeText, textOf } from './window.js'
import type { Window, WindowSpec } from './window.js'

const againMs = 200
const handshakeMs = 10_000

/** openSseWindow is a client of 2024-11-05 that names itself; its stream comes back by itself, as EventSource's does. */
export const openSseWindow = async (spec: WindowSpec, signal: AbortSignal): Promise<Window> => {
  const { gateway, server, name, title, judge } = spec
  const ending = new AbortController()
  const over = AbortSignal.any([ending.signal, signal])
  const pending = new Map<string, Pending>()
  const own = new Set<string>()
  let address: string | undefined
  let lastEventId: string | undefined
  let isInitialized = false

  const parser = createParser({
    onEvent({ event, id, data }) {
      if (id !== undefined) lastEventId = id
      if (event === 'endpoint') address = new URL(data, gateway).href
      if (event !== undefined && event !== 'message') return
      if (/^\{.*"id":0[,}]/s.test(data) && data.includes('protocolVersion')) isInitialized = true
      judge.judge({ window: title, message: data, pending, own })
    },
  })
  const listen = async (): Promise<void> => {
    const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
    const url = `${gateway}/sse/${server}?clientId=${name}`
    const response = await fetch(url, { headers, signal: over })
    judge.note(title, `opened its stream, behind ${lastEventId ?? 'nothing'}: ${response.status}`)
    if (response.status !== 200 || !response.body) {
      await response.body?.cancel()
      return
    }
    const decoder = new TextDecoder()
    parser.reset()
    for await (const chunk of response.body) parser.feed(decoder.decode(chunk, { stream: true }))
  }
  const listening = async (): Promise<void> => {
    while (!over.aborted) {
      await listen().catch(() => undefined)
      await wait(againMs, undefined, { signal: over }).catch(() => undefined)
    }
  }
  const post = async (body: string): Promise<boolean> => {
    if (address === undefined) return false
    judge.note(title, `sends ${body.slice(0, 160)}`)
    const sent = { method: 'POST', headers: jsonHeaders, body, signal: over }
    const response = await fetch(address, sent).catch(() => undefined)
    const text = await response?.text().catch(() => '')
    judge.note(title, `sent ${body.slice(0, 160)}: ${response?.status} ${text}`)
    return response?.status === 202
  }

  void listening()
  for (let isOpen = false; !isOpen && !over.aborted;) {
    isOpen = await until('the endpoint', () => address !== undefined, handshakeMs)
      .then(() => post(initializeText('2024-11-05')))
      .then(() => until('the handshake', () => isInitialized, handshakeMs))
      .then(
        () => true,
        () => false,
      )
  }
  await post(initialized)
  return {
    async call(...calls) {
      const answers = expectAnswers(calls, pending, own, over)
      // What was not accepted is not answered; a client says so to its caller.
      if (!(await post(textOf(calls))))
        for (const { id } of calls) pending.get(JSON.stringify(id))?.settle('refused')
      return answers
    },
    cancel: (id) => void post(cancelText(id)),
    abandon: () => ending.abort(),
  }
}
