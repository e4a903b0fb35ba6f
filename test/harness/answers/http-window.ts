import { setTimeout as wait } from 'node:timers/promises'
import { createParser } from 'eventsource-parser'
import { jsonHeaders } from '../http.js'
import { initialized } from '../rpc.js'
import type { Pending } from './judge.js'
import { cancelText, expectAnswers, initializeText, textOf } from './window.js'
import type { Window, WindowSpec } from './window.js'

const againMs = 200
/** So often a stream that broke is resumed. */
const resumes = 20

/** openHttpWindow is a client of Streamable HTTP; a stream that broke is resumed by its last event. */
export const openHttpWindow = async (spec: WindowSpec, signal: AbortSignal): Promise<Window> => {
  const { gateway, server, revision, title, judge } = spec
  const ending = new AbortController()
  const over = AbortSignal.any([ending.signal, signal])
  const url = `${gateway}/mcp/${server}`
  let session: Record<string, string> = {}

  const post = (body: string): Promise<Response> =>
    fetch(url, { method: 'POST', headers: { ...jsonHeaders, ...session }, body, signal: over })

  /** read hears all messages of a response, and resumes it where it broke and may be resumed. */
  const read = async (response: Response, hear: (message: string) => void): Promise<void> => {
    if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
      hear(await response.text())
      return
    }
    let lastEventId: string | undefined
    const parser = createParser({
      onEvent({ id, data }) {
        if (id !== undefined) lastEventId = id
        if (data !== '') hear(data)
      },
    })
    const feed = async ({ body }: Response): Promise<void> => {
      const decoder = new TextDecoder()
      for await (const chunk of body ?? []) parser.feed(decoder.decode(chunk, { stream: true }))
    }
    await feed(response).catch(async () => {
      for (let n = 0; n < resumes && lastEventId !== undefined && !over.aborted; n++) {
        parser.reset()
        const headers = { accept: 'text/event-stream', 'last-event-id': lastEventId, ...session }
        const isRead = await fetch(url, { headers, signal: over })
          .then((resumed) => (resumed.ok ? feed(resumed).then(() => true) : false))
          .catch(() => false)
        if (isRead) return
        await wait(againMs)
      }
    })
  }

  while (session['mcp-session-id'] === undefined && !over.aborted) {
    const opened = await post(initializeText(revision)).catch(() => undefined)
    await opened?.text().catch(() => undefined)
    const id = opened?.headers.get('mcp-session-id')
    if (id) session = { 'mcp-session-id': id, 'mcp-protocol-version': revision }
    else await wait(againMs)
  }
  const own = new Set<string>()
  const tell = (body: string): Promise<unknown> =>
    post(body)
      .then((response) => response.text())
      .catch(() => undefined)
  await tell(initialized)
  return {
    async call(...calls) {
      // Answers belong to the POST that asked: nobody else's may be among them.
      const pending = new Map<string, Pending>()
      const answers = expectAnswers(calls, pending, own, over)
      await post(textOf(calls))
        .then((response) =>
          read(response, (message) => judge.judge({ window: title, message, pending, own })),
        )
        .catch(() => undefined)
      for (const { settle } of pending.values()) settle(over.aborted ? 'abandoned' : 'refused')
      return answers
    },
    cancel: (id) => void tell(cancelText(id)),
    abandon: () => ending.abort(),
  }
}
