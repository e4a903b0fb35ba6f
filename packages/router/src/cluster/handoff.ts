import type { Instance, InstanceId } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { isExhausted } from '@mcp-router/upstream'
import type { HttpClient } from '@mcp-router/upstream'
import type { Deadlines, Timed } from '../calls/deadlines.js'
import { againHeader } from '../http/incoming.js'
import type { Incoming } from '../http/incoming.js'
import type { KeepAlive } from '../http/keep-alive.js'
import { respondError } from '../http/respond.js'
import { HandoffRelay, ownerFailure, wasNotServed } from './handoff-relay.js'
import type { Members } from './members.js'
import { readSigned, sign } from './signature.js'
import type { Sender } from './signature.js'
import type { EdgeRequest } from '../http/edge.js'

/** Requests between Instances have this path before their own; Nginx lets it pass from nobody. */
export const handoffPrefix = '/internal/handoff'

/** What the owner needs of the client's headers; credentials stay here, the Principal goes instead. */
const passed = [
  'content-type',
  'accept',
  'mcp-session-id',
  'mcp-protocol-version',
  'last-event-id',
  'host',
  'x-forwarded-prefix',
] as const

/** Headers that mirror a modern body go along as they came, repeated ones too: the owner checks them again. */
const mirroring = /^mcp-(?:method|name|param-)/

/** So many requests may wait for other Instances at once; a client's stream, which only listens, is none of them. */
const mostPending = 10_000

/** How often an Instance that was passed a request is looked after, ms. */
const watchMs = 2_000

/** Handoff passes a request to the Instance that owns its Session and its answer back. */
export interface Handoff {
  /** The Instance of this id, if it lives. */
  find(id: string): Promise<Instance | undefined>
  /** Some other Instance than this one and that of this id. */
  other(not: string): Promise<Instance | undefined>
  /** The Instance that a key belongs to; undefined while nobody knows who lives. */
  home(key: string): Promise<Instance | undefined>
  /** Passes a request to that Instance, or answers OVERLOADED where too many wait already; `body` is what was read of it already, undefined for GET and DELETE. */
  passTo(incoming: Incoming, to: Instance, body: Buffer | undefined, fallback: Fallback): void
  /** Passes on what belongs to a call under way: an Instance that drains takes that, and nothing else. */
  passBack(
    incoming: Incoming,
    to: Instance,
    body: Buffer | undefined,
    fallback: Required<Pick<Fallback, 'unreachable' | 'lost'>>,
  ): void
  /** On whose behalf another Instance sent a request; undefined where none did, or not this one. */
  admit(req: EdgeRequest): Sender | undefined
}

/** Fallback takes a request that was not answered where it was passed to. Without one the client is told. */
export interface Fallback {
  /** The Instance cannot be reached: nothing was sent, or what answers there did not take it. */
  readonly unreachable?: (error: RouterError) => void
  /** It went away with the request; the response has not begun, unless `carriesOn`. */
  readonly lost?: (error: RouterError) => void
  /** `lost` takes a response that has begun as a stream, too, and goes on with it. */
  readonly carriesOn?: boolean
}

interface Deps {
  readonly client: HttpClient
  readonly members: Members
  readonly keep: KeepAlive
  readonly deadlines: Deadlines
  readonly secret: string
  readonly instance: InstanceId
  readonly limit?: number
}

export const createHandoff = ({
  client,
  members,
  keep,
  deadlines,
  secret,
  instance,
  limit = mostPending,
}: Deps): Handoff => {
  /** A stopped process keeps its connections: whether it still lives, its lease says. */
  const watch = (incoming: Incoming, owner: Instance, relay: HandoffRelay): void => {
    let over = false
    const timed: Timed & { dueAt: number } = {
      dueAt: performance.now() + watchMs,
      previous: undefined,
      next: undefined,
      onDue() {
        members.find(owner.id).then(
          (found) => {
            if (over) return
            if (!found) {
              relay.cancel(new Error('its lease has lapsed'))
              return
            }
            timed.dueAt = performance.now() + watchMs
            deadlines.add(timed)
          },
          () => undefined,
        )
      },
    }
    deadlines.add(timed)
    incoming.whenClosed(() => {
      over = true
      deadlines.remove(timed)
    })
  }

  let pending = 0
  /** False: there are too many already. */
  const enter = (incoming: Incoming): boolean => {
    // One that is over is heard of no more.
    if (incoming.req.method === 'GET' || incoming.isClosed()) return true
    if (pending >= limit) return false
    pending++
    incoming.whenClosed(() => {
      pending--
    })
    return true
  }

  const passTo: Handoff['passTo'] = (incoming, owner, body, fallback) => {
    if (!enter(incoming)) {
      const what = 'requests that wait for another instance'
      respondError(incoming, new RouterError('OVERLOADED', { what, limit }))
      return
    }
    const { req } = incoming
    const method = req.method === 'GET' || req.method === 'DELETE' ? req.method : 'POST'
    const target = handoffPrefix + (req.url ?? '/')
    const { requestId } = incoming
    const principal = incoming.principal.name
    const headers = sign(secret, {
      ...{ method, target, principal, requestId, body },
      hops: incoming.hops + 1,
    })
    for (const name of passed) {
      const value = req.headers[name]
      if (typeof value === 'string') headers.push(name, value)
    }
    if (incoming.isAgain) headers.push(againHeader, '1')
    const { rawHeaders } = req
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = rawHeaders[at]?.toLowerCase() ?? ''
      if (mirroring.test(name)) headers.push(name, rawHeaders[at + 1] ?? '')
    }
    const url = owner.address + target
    const relay = new HandoffRelay(incoming, { keep, deadlines }, (error, hasBegun) => {
      members.forget(owner.id)
      if (hasBegun && !(fallback.carriesOn && incoming.streaming)) return false
      // The owner may be well: nobody takes a Session from it because this Instance is out of descriptors.
      if (isExhausted(error)) return false
      const take = wasNotServed(error) ? fallback.unreachable : fallback.lost
      if (!take) return false
      relay.stopWriting()
      incoming.countdown?.restart()
      take(ownerFailure(incoming, error))
      return true
    })
    watch(incoming, owner, relay)
    // Who answers it counts, and tells the server where its time is up.
    incoming.countdown?.pause()
    client.dispatch(url, body ? { method, headers, body } : { method, headers }, relay)
  }

  const passBack: Handoff['passBack'] = (incoming, to, body, fallback) =>
    passTo(incoming, to, body, {
      ...fallback,
      unreachable(error) {
        members.find(to.id).then(
          (found) => {
            if (found?.back === undefined) fallback.unreachable(error)
            else passTo(incoming, { ...found, address: found.back }, body, fallback)
          },
          () => fallback.unreachable(error),
        )
      },
    })

  return {
    passTo,
    passBack,
    async other(not) {
      const all = await members.all()
      return all.find(({ id }) => id !== instance && id !== not)
    },
    home: (key) => members.home(key).catch(() => undefined),
    find: (id) => members.find(id as InstanceId), // of a record or a sealed state: written by an Instance
    admit: (req) => readSigned(secret, req),
  }
}
