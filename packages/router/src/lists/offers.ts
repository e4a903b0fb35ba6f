import type { Backend, BackendName, Endpoint, SessionId } from '@mcp-router/core'
import { endpointKey } from '@mcp-router/upstream'
import type { ListChange } from '@mcp-router/upstream'

/** Digests are what a server listed, a digest for each list whose changes it had announced to tell. */
export type Digests = ReadonlyMap<ListChange, string>

/** AskLists asks a server what it lists: what it announces, and what its Session knew of before. */
export type AskLists = (known: Iterable<ListChange>) => Promise<Digests>

/** Look is one look at what the server of a Session lists. */
export interface Look {
  readonly session: SessionId
  readonly backend: Backend
  readonly endpoint: Endpoint
  /** When the Session went over to this server, or was opened there, ms since the epoch: what was listed before does not count. */
  readonly since: number
  /** It was opened there: what another server listed before is not known to its client. */
  readonly isFirst?: boolean
  readonly ask: AskLists
}

/**
 * Offers remember what servers list, so that a Session that goes on at another server, or at the same one started anew, can tell its client
 * which lists have changed. A server is asked once for all its Sessions, and never more than once a second.
 */
export interface Offers {
  /** Resolves with the lists that are no longer what the client of the Session may know. It rejects where the server does not say. */
  look(look: Look): Promise<readonly ListChange[]>
  /** Finds out what a server lists where that is not known here yet; what the client of the Session knows stays what it is. */
  learn(look: Look): Promise<void>
  /** The server of this Session told by itself that a list has changed: what it lists is not known until it is asked again. */
  heard(session: SessionId, change: ListChange): void
  /** The same, for all Sessions of a Backend. */
  told(backend: string, change: ListChange): void
}

interface Offer {
  readonly backend: string
  /** When the server was asked, ms since the epoch. */
  readonly askedAt: number
  readonly digests: Digests
}

/** A server is asked again at the earliest after this, ms. */
const pauseMs = 1_000
/** Of so many Sessions it is remembered what they know; the oldest goes. */
const maxSessions = 50_000
const maxEndpoints = 1_000

/** Stands for a list that has changed since it was looked at: no digest is the same. */
const outdated = 'outdated'

interface Options {
  /** An Endpoint lists something else than it did, and nobody said so. */
  readonly onChanged: (backend: BackendName, change: ListChange) => void
  readonly pause?: number
}

export const createOffers = ({ onChanged, pause = pauseMs }: Options): Offers => {
  const seen = new Map<SessionId, Offer>()
  const latest = new Map<string, Offer>()
  /** The one before it, for Sessions that were at that one at another Instance. */
  const previous = new Map<string, Offer>()
  const asking = new Map<string, { readonly startsAt: number; readonly offer: Promise<Offer> }>()

  const ask = async (look: Look, startsAt: number): Promise<Offer> => {
    const delayMs = startsAt - Date.now()
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs).unref())
    const id = endpointKey(look.endpoint)
    const before = latest.get(id) ?? seen.get(look.session)
    const askedAt = Date.now()
    const digests = await look.ask(before?.digests.keys() ?? [])
    const offer: Offer = { backend: look.backend.name, askedAt, digests }
    const replaced = latest.get(id)
    remember(latest, id, offer, maxEndpoints)
    if (!replaced) return offer
    remember(previous, id, replaced, maxEndpoints)
    for (const change of differing(replaced.digests, digests)) onChanged(look.backend.name, change)
    return offer
  }

  /** The one that is under way, if it was not begun too early. */
  const renew = (look: Look): Promise<Offer> => {
    const id = endpointKey(look.endpoint)
    const underway = asking.get(id)
    if (underway && underway.startsAt >= look.since) return underway.offer
    const last = underway?.startsAt ?? latest.get(id)?.askedAt ?? 0
    const startsAt = Math.max(Date.now(), last + pause)
    const offer = ask(look, startsAt).finally(() => {
      if (asking.get(id)?.offer === offer) asking.delete(id)
    })
    asking.set(id, { startsAt, offer })
    return offer
  }

  const current = (look: Look): Offer | undefined => {
    const known = latest.get(endpointKey(look.endpoint))
    if (!known || known.backend !== look.backend.name) return undefined
    return isOutdated(known) || known.askedAt < look.since ? undefined : known
  }

  /** What a Session that was never looked at here knows is what its Backend listed before it moved. */
  const knownBefore = ({ backend, endpoint, since }: Look): Offer | undefined => {
    const key = endpointKey(endpoint)
    return [latest.get(key), previous.get(key), ...latest.values(), ...previous.values()].find(
      (offer) => offer?.backend === backend.name && offer.askedAt < since,
    )
  }

  return {
    async look(look) {
      const before = seen.get(look.session) ?? (look.isFirst ? undefined : knownBefore(look))
      // Whoever was asked for all may have gone meanwhile.
      const now = current(look) ?? (await renew(look).catch(() => renew(look)))
      remember(seen, look.session, now, maxSessions)
      return before && before !== now ? differing(before.digests, now.digests) : []
    },
    async learn(look) {
      if (!current(look)) await renew(look)
    },
    heard(session, change) {
      const offer = seen.get(session)
      if (offer?.digests.has(change)) seen.set(session, outdate(offer, change))
    },
    told(backend, change) {
      const replace = <K>(all: Map<K, Offer>): void => {
        for (const [key, offer] of all) {
          if (offer.backend === backend && offer.digests.has(change))
            all.set(key, outdate(offer, change))
        }
      }
      replace(latest)
      replace(seen)
    },
  }
}

/** differing is what was listed and is listed no more as it was. */
const differing = (before: Digests, now: Digests): readonly ListChange[] =>
  [...before].flatMap(([change, digest]) =>
    digest === outdated || now.get(change) !== digest ? [change] : [],
  )

const outdate = (offer: Offer, change: ListChange): Offer => ({
  ...offer,
  digests: new Map(offer.digests).set(change, outdated),
})

const isOutdated = ({ digests }: Offer): boolean => [...digests.values()].includes(outdated)

const remember = <K, V>(all: Map<K, V>, key: K, value: V, limit: number): void => {
  all.delete(key)
  all.set(key, value)
  const [oldest] = all.keys()
  if (all.size > limit && oldest !== undefined) all.delete(oldest)
}
