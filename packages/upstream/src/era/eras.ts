import type { Backend, Endpoint, Era, StdioEndpoint } from '@mcp-router/core'
import type { HttpClient } from '../http/client.js'
import { discard } from '../upstream.js'
import { endpointKey } from './endpoint-key.js'
import type { SharedKeys } from './endpoint-key.js'
import { createProber } from './prober.js'
import { createSpares } from './spares.js'
import type { Spare } from './spares.js'

/** Eras knows what an Endpoint speaks: by its Transport, as configured, else found out by asking, and remembered for a while. */
export interface Eras {
  /** The verdict where there is one; undefined: `find` it. */
  known(backend: Backend, endpoint: Endpoint): Era | undefined
  /** `initialize`: the params that a process is asked with where it must be. Rejects, mostly with NO_HEALTHY_ENDPOINT or OPENING_FAILED, when nothing follows from what the Endpoint does. */
  find(
    backend: Backend,
    endpoint: Endpoint,
    initialize?: Readonly<Record<string, unknown>>,
  ): Promise<Era>
  /** The process that was asked, if one was just now and can be used: a command may take long to start. `initialize` as in Spares. */
  spare?(endpoint: StdioEndpoint, initialize: unknown): Spare | undefined
  /** The Endpoint behaved as one of the other Era might: it is asked again at the next call, unless it was just now. */
  doubt(endpoint: Endpoint): void
}

/** SharedEras are the verdicts of all Instances. It may reject, and be slow, as it likes: then each Instance asks for itself. */
export interface SharedEras {
  find(key: string): Promise<{ readonly era: Era; readonly leftMs: number } | undefined>
  keep(key: string, era: Era, ttlMs: number): Promise<void>
  forget(key: string): Promise<void>
}

interface Deps {
  readonly client: HttpClient
  /** The environment that stdio children see a filtered part of; without it they see nothing but their own. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** How long a server may take to answer, ms. */
  readonly openTimeoutMs?: number
  readonly shared?: { readonly eras: SharedEras; readonly keys: Pick<SharedKeys, 'key'> }
}

interface Verdict {
  readonly era: Era
  /** When the Endpoint was asked, ms since the epoch. */
  readonly at: number
  readonly until: number
  readonly isDoubted: boolean
  /** When the Endpoint is asked anew while this still holds, ms since the epoch. */
  readonly askAgainAt: number
}

/** A server may be upgraded while it keeps its address, ms. */
const rememberMs = 10 * 60_000
/** A verdict that the Endpoint did not give itself is looked into again after this, ms. */
const tentativeMs = 30_000
/** Within this a verdict is not doubted: a client's bad requests must not make one probe each, let alone one process, ms. */
const certainMs = { http: 5_000, sse: 5_000, stdio: 60_000 }
/** Asking the Endpoint takes no longer than this, most of the time, ms. */
const sharedWaitMs = 300

export const createEras = (deps: Deps): Eras & { close(): Promise<void> } => {
  const { client, env = {}, shared, openTimeoutMs } = deps
  const spares = createSpares()
  const prober = createProber({ client, env, openTimeoutMs, spares })
  const verdicts = new Map<string, Verdict>()
  const asking = new Map<string, Promise<Era>>()

  const known = (backend: Backend, endpoint: Endpoint): Era | undefined => {
    if (endpoint.transport === 'sse') return 'legacy'
    if (backend.era !== 'auto') return backend.era
    const key = endpointKey(endpoint)
    const verdict = verdicts.get(key)
    if (!verdict || verdict.isDoubted || Date.now() >= verdict.until) return undefined
    // Nobody waits for that: calls go on as before.
    if (Date.now() >= verdict.askAgainAt) discard(probe(backend, endpoint, key))
    return verdict.era
  }

  const remember = (key: string, era: Era, leftMs: number, askAgainAt = Infinity): Era => {
    const now = Date.now()
    // There are few; those of Endpoints that the operator removed must not stay.
    for (const [each, { until }] of verdicts) if (until <= now) verdicts.delete(each)
    const until = now + leftMs
    verdicts.set(key, { era, at: until - rememberMs, until, isDoubted: false, askAgainAt })
    return era
  }

  const ask = async (
    backend: Backend,
    endpoint: Endpoint,
    key: string,
    initialize?: Readonly<Record<string, unknown>>,
  ): Promise<Era> => {
    // What this Instance doubts it does not take back from the others.
    const doubted = verdicts.get(key)?.isDoubted
      ? undefined
      : await soon(shared?.eras.find(shared.keys.key(endpoint)))
    if (doubted) return remember(key, doubted.era, doubted.leftMs)
    return probe(backend, endpoint, key, initialize)
  }

  const probe = async (
    backend: Backend,
    endpoint: Endpoint,
    key: string,
    initialize?: Readonly<Record<string, unknown>>,
  ): Promise<Era> => {
    const now = verdicts.get(key)
    // Once, however many ask; and as long again where nothing comes of it.
    if (now) verdicts.set(key, { ...now, askAgainAt: Date.now() + tentativeMs })
    const { era, isTentative = false } = await prober.probe(backend, endpoint, initialize)
    if (shared) {
      const sharedMs = isTentative ? tentativeMs : rememberMs
      discard(shared.eras.keep(shared.keys.key(endpoint), era, sharedMs))
    }
    return remember(key, era, rememberMs, isTentative ? Date.now() + tentativeMs : Infinity)
  }

  return {
    known,
    async find(backend, endpoint, initialize) {
      const verdict = known(backend, endpoint)
      if (verdict) return verdict
      const key = endpointKey(endpoint)
      const already = asking.get(key)
      if (already) return already
      const asked = ask(backend, endpoint, key, initialize).finally(() => asking.delete(key))
      asking.set(key, asked)
      return asked
    },
    doubt(endpoint) {
      const key = endpointKey(endpoint)
      const verdict = verdicts.get(key)
      if (!verdict || verdict.isDoubted) return
      if (Date.now() - verdict.at <= certainMs[endpoint.transport]) return
      verdicts.set(key, { ...verdict, isDoubted: true })
      if (shared) discard(shared.eras.forget(shared.keys.key(endpoint)))
    },
    spare: (endpoint, initialize) => spares.take(endpoint, initialize),
    async close() {
      await prober.close()
      await spares.close()
    },
  }
}

/** soon waits a little for an answer; without one, and for none, it is undefined. */
const soon = async <T>(answer: Promise<T | undefined> | undefined): Promise<T | undefined> => {
  if (!answer) return undefined
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), sharedWaitMs)
  })
  return Promise.race([answer.catch(() => undefined), late]).finally(() => clearTimeout(timer))
}
