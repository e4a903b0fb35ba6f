import type { Backend, StdioEndpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { discard } from '../upstream.js'
import type { Finding } from './finding.js'
import { patienceOf } from './discover.js'
import { openSibling } from './sibling.js'
import type { Heard, Sibling } from './sibling.js'
import type { Spares } from './spares.js'

type Json = Readonly<Record<string, unknown>>

/** StdioProber asks stdio Endpoints by processes of its own. */
export interface StdioProber {
  /** `initialize`: the params of whoever wants to know, for where the process has to be initialized. */
  probe(
    backend: Backend,
    endpoint: StdioEndpoint,
    initialize?: Readonly<Record<string, unknown>>,
  ): Promise<Finding>
  /** Ends the processes that are still there; what is under way rejects. */
  close(): Promise<void>
}

interface Options {
  readonly env: Readonly<Record<string, string | undefined>>
  /** How long a process may keep silent to `server/discover` before it is asked by `initialize` too, ms: at most, see `patienceOf`. */
  readonly patienceMs: number
  /** How long a process may keep silent altogether: a command may first have to be fetched (npx), ms. */
  readonly startMs: number
  /** Take the processes that were asked; without it they are ended. */
  readonly spares?: Spares | undefined
}

/**
 * createStdioProber tells an old server that keeps silent from a command that is still being fetched: after `patienceMs` it says
 * `initialize` as well, to which every server that has started answers. And it tells a server that leaves at an unknown request from one
 * that cannot run at all: the second is gone before `initialize`, too, and nothing is concluded from it.
 */
export const createStdioProber = ({ env, patienceMs, startMs, spares }: Options): StdioProber => {
  const siblings = new Set<Promise<Sibling>>()
  let closed = false
  const isClosed = (): boolean => closed

  const withSibling = async (
    backend: Backend,
    endpoint: StdioEndpoint,
    converse: (sibling: Sibling) => Promise<Heard>,
  ): Promise<Heard> => {
    if (closed) throw undecided(backend, 'the router is ending')
    const opening = openSibling({ backend, endpoint, env })
    siblings.add(opening)
    let isKept = false
    try {
      const sibling = await opening
      const heard = await converse(sibling)
      const spare =
        heard.kind === 'answered' && !isClosed() ? sibling.spare(heard.finding.era) : undefined
      if (spare && spares) {
        isKept = true
        spares.put(endpoint, spare)
      }
      return heard
    } finally {
      // What it answered does not wait for a process that takes its time to leave.
      if (isKept) siblings.delete(opening)
      else discard(ended(opening).finally(() => siblings.delete(opening)))
    }
  }

  const discover = async (sibling: Sibling, waitMs: number, params?: Json): Promise<Heard> => {
    sibling.ask('server/discover')
    const heard = await sibling.heard(waitMs)
    if (heard.kind !== 'silent') return heard
    sibling.ask('initialize', params)
    return sibling.heard(startMs - waitMs)
  }

  const initialize = async (sibling: Sibling, params?: Json): Promise<Heard> => {
    sibling.ask('initialize', params)
    return sibling.heard(startMs)
  }

  return {
    async probe(backend, endpoint, params) {
      const waitMs = patienceOf(backend, patienceMs)
      const heard = await withSibling(backend, endpoint, (each) => discover(each, waitMs, params))
      if (heard.kind === 'answered') return heard.finding
      if (heard.kind === 'silent') {
        const seconds = Math.round(startMs / 1000)
        const reason = `neither server/discover nor initialize was answered within ${seconds} s, the limit`
        throw undecided(backend, reason, heard.lastWords)
      }
      const again = await withSibling(backend, endpoint, (each) => initialize(each, params))
      if (again.kind !== 'answered') throw undecided(backend, heard.how, heard.lastWords)
      return { ...again.finding, sign: `it ${heard.how} at server/discover` }
    },
    async close() {
      closed = true
      await Promise.all([...siblings].map(ended))
    },
  }
}

const ended = (opening: Promise<Sibling>): Promise<void> =>
  opening.then(
    (sibling) => sibling.close(),
    () => undefined,
  )

const undecided = (backend: Backend, reason: string, lastWords = ''): RouterError => {
  const withStderr = lastWords ? `${reason}; stderr: ${lastWords}` : reason
  return new RouterError('OPENING_FAILED', { backend: backend.name, reason: withStderr })
}
