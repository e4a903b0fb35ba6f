import { setTimeout as wait } from 'node:timers/promises'
import type { Sending } from './sending.js'

/** OwnStreamDeps is what the stream of a session outside of calls needs of its Upstream. */
interface OwnStreamDeps {
  /** Sends the GET; it resolves once the stream, or a refusal, has ended. `onOpen` comes with the head of a stream. */
  readonly open: (lastEventId: string, onOpen: () => void) => Promise<Sending>
  /** Pings the server; a boolean says that it answered. */
  readonly ping: () => Promise<boolean | undefined>
  readonly isClosed: () => boolean
  /** The Endpoint gives none; `hadOne`: it did before. */
  readonly onRefused: (refusal: Sending, hadOne: boolean) => Promise<void>
}

/** The rest of an answer is asked for so often, and after how long, ms. */
export const resumeTries = 5
export const resumeDelayMs = 1_000
/** What cannot be had for a while is asked for less and less often, ms. */
const longestDelayMs = 30_000
/** A server that refuses so often gives none. */
const refusals = 5
/** A server learns by itself that the stream before this one has ended: so often it is asked again soon, and after how long at most, ms. */
const soonTries = 20
const maxSoonMs = 50
/**
 * Some servers send the head of a stream with its first event only, those of the official TypeScript SDK among them. One that answers a ping has
 * read what was sent before; one that does not answer has so long to send the head, ms.
 */
const headMs = 500
/** So long the head is waited for before the server is pinged, ms. */
const pingAfterMs = 20
/** However slowly a server refuses the stream, nobody waits longer to be heard on it, ms. */
const pingAnswerMs = 1_000

/**
 * keepOwnStream keeps the stream of a session outside of calls open (GET) for as long as the Endpoint offers one. It resolves once the server is
 * heard on it, or will not be: some forget what they ask while there is none.
 */
export const keepOwnStream = (deps: OwnStreamDeps): Promise<void> =>
  new Promise((resolve) => {
    const late = setTimeout(resolve, pingAnswerMs)
    const onPingAnswered = (): void => {
      clearTimeout(late)
      resolve()
    }
    void keep(deps, onPingAnswered).finally(onPingAnswered)
  })

const keep = async (
  { open, ping, isClosed, onRefused }: OwnStreamDeps,
  onHeard: () => void,
): Promise<void> => {
  const heard = { is: false }
  const hear = (): void => {
    heard.is = true
    onHeard()
  }
  let lastEventId = ''
  let soon = 0
  let refused = 0
  let hadOne = false
  for (let failures = 0; !isClosed();) {
    const head = heard.is ? undefined : awaitHead(ping, hear)
    const onOpen = (): void => {
      head?.isOver()
      hear()
    }
    const stream = await open(lastEventId, onOpen).catch(() => undefined)
    head?.isOver()
    const isOpened = stream?.streamed() ?? false
    if (isOpened) [failures, refused, hadOne] = [0, 0, true]
    if (stream && !isOpened && !isTemporary(stream.status)) {
      if (!mayBeBusy(stream.status) || ++refused >= refusals) return onRefused(stream, hadOne)
    }
    lastEventId = stream?.lastEventId ?? lastEventId
    // A stream of the Instance that had the session before may not be seen to have closed yet.
    const isBusy = !isOpened && stream !== undefined && mayBeBusy(stream.status)
    const isSoon = isBusy && soon < soonTries
    if (!isSoon) hear()
    const laterMs = isBusy
      ? resumeDelayMs
      : Math.min(resumeDelayMs * 2 ** failures++, longestDelayMs)
    await wait(isSoon ? Math.min(2 ** ++soon, maxSoonMs) : laterMs, undefined, { ref: false })
  }
}

/** awaitHead calls back where no head comes, once the server has read the request all the same, until `isOver`. */
const awaitHead = (
  ping: OwnStreamDeps['ping'],
  onRead: () => void,
): { readonly isOver: () => void } => {
  let isOver = false
  const pinging = setTimeout(() => {
    const settle = (isKnown: boolean | undefined): void => {
      if (isKnown !== undefined && !isOver) onRead()
    }
    ping().then(settle, () => undefined)
  }, pingAfterMs)
  const late = setTimeout(onRead, headMs)
  return {
    isOver() {
      isOver = true
      clearTimeout(pinging)
      clearTimeout(late)
    },
  }
}

/** mayBeBusy tells of a status that says that there is another stream; some servers have no better one for it than 400. */
export const mayBeBusy = (status: number): boolean => status === 409 || status === 400

/** It says nothing of whether the server offers a stream. */
const isTemporary = (status: number): boolean =>
  status === 408 || status === 409 || status === 429 || (status >= 500 && status !== 501)
