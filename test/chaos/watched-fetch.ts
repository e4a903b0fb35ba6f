import { Agent } from 'undici'
import { textsOf } from './outcome.js'

type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** WatchedFetch is the fetch of one client: the harness sees its streams, and can cut the connections of those that can be resumed. */
export interface WatchedFetch {
  readonly fetch: Fetch
  /** Closes its connections. */
  readonly close: () => Promise<void>
  /** Closes the connection of every stream that its revision can resume, and tells how many there were. */
  readonly cut: () => number
  readonly resumable: () => number
  /** Why an answer of the client's own, which it will not send again, could not be delivered; told once. */
  readonly undelivered: () => string | undefined
  /** The answer to the last POST: not yet there, begun as a stream, or a stream that is over. */
  readonly answer: () => 'none' | 'begun' | 'over'
}

/** Resumes tells whether streams can be resumed: `always` those of 2024-11-05, `with ids` those of 2025-11-25, `never` modern ones. */
export type Resumes = 'always' | 'with ids' | 'never'

interface Stream {
  resumable: boolean
  cut(): void
}

/** watchFetch wraps fetch; nothing else about it changes, but that each client has connections of its own, as programs have. */
export const watchFetch = (resumes: Resumes): WatchedFetch => {
  const dispatcher = new Agent()
  const streams = new Set<Stream>()
  let answer: 'none' | 'begun' | 'over' = 'none'
  let posts = 0
  let undelivered: string | undefined
  const resumable = (): readonly Stream[] => [...streams].filter((stream) => stream.resumable)

  const watchedFetch: Fetch = async (input, init = {}) => {
    const isPost = init.method === 'POST'
    const post = isPost ? ++posts : 0
    const note = (now: typeof answer): void => {
      if (isPost && post === posts) answer = now
    }
    note('none')
    const connection = new AbortController()
    const given = init.signal
    const follow = (): void => connection.abort(given?.reason)
    const unfollow = (): void => given?.removeEventListener('abort', follow)
    given?.addEventListener('abort', follow, { once: true })
    if (given?.aborted) follow()
    // Node's own types know only the undici that Node has inside.
    const connections: object = { dispatcher }
    const own: RequestInit = { ...init, signal: connection.signal, ...connections }
    const response = await fetch(input, own).catch((error: unknown) => {
      unfollow()
      if (isPost && isAnswer(init.body)) undelivered = textsOf(error)
      throw error
    })
    const { body, status, statusText, headers } = response
    if (!body || !headers.get('content-type')?.startsWith('text/event-stream')) {
      unfollow()
      return response
    }
    note('begun')
    const stream: Stream = {
      // The stream of a GET is opened again, whether it had an id or not.
      resumable: resumes !== 'never' && !isPost,
      // The error that fetch gives when a connection is lost.
      cut: () => connection.abort(new TypeError('terminated')),
    }
    streams.add(stream)
    const watched = watchBody(body, {
      heard(text) {
        if (resumes === 'with ids' && /^id:/m.test(text)) stream.resumable = true
      },
      over() {
        streams.delete(stream)
        unfollow()
        note('over')
      },
    })
    return new Response(watched, { status, statusText, headers })
  }

  return {
    fetch: watchedFetch,
    cut() {
      const cut = resumable()
      for (const stream of cut) stream.cut()
      return cut.length
    },
    resumable: () => resumable().length,
    answer: () => answer,
    undelivered() {
      const why = undelivered
      undelivered = undefined
      return why
    },
    close: () => dispatcher.destroy(),
  }
}

/** isAnswer tells that a message answers a question of the server's: it names no method. */
const isAnswer = (body: unknown): boolean => typeof body === 'string' && !/"method"\s*:/.test(body)

interface Watcher {
  readonly heard: (text: string) => void
  readonly over: () => void
}

const watchBody = (
  body: ReadableStream<Uint8Array>,
  { heard, over }: Watcher,
): ReadableStream<Uint8Array> => {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (!done) {
          heard(decoder.decode(value, { stream: true }))
          controller.enqueue(value)
          return
        }
        over()
        controller.close()
      } catch (error) {
        over()
        controller.error(error)
      }
    },
    cancel(reason) {
      over()
      return reader.cancel(reason)
    },
  })
}
