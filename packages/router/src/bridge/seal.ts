import { createHash } from 'node:crypto'
import { createBox } from './box.js'

type Json = Readonly<Record<string, unknown>>

/** Ticket is what a `requestState` of the router says, to nobody but the cluster. */
export interface Ticket {
  /** The Instance that holds the parked call; empty where nothing is parked and the retry is a call anew. */
  readonly instance: string
  /** What it is parked under, good for one retry. */
  readonly call: string
}

/** Seal makes and opens `requestState` (2026-07-28, MRTR §Request State): encrypted, bound to who calls what, and expiring. */
export interface Seal {
  seal(ticket: Ticket, bound: Bound): string
  /** Undefined: altered, expired, foreign, or of another call. */
  open(state: unknown, bound: Bound): Ticket | undefined
}

/** Bound is what a state is good for and nothing else. */
export interface Bound {
  readonly principal: string
  readonly backend: string
  readonly method: string
  /** Of the request, the retry's own members in them or not. */
  readonly params: Json
}

const prefix = 'mcpr1.'
const longest = 4_096

/** createSeal makes states that expire after `ttlMs`. */
export const createSeal = (clusterSecret: string, ttlMs: number): Seal => {
  const box = createBox(clusterSecret, 'requestState')
  return {
    seal({ instance, call }, bound) {
      const text = JSON.stringify([instance, call, Date.now() + ttlMs])
      return prefix + box.seal(text, digestOf(bound))
    },
    open(state, bound) {
      if (typeof state !== 'string' || !state.startsWith(prefix) || state.length > longest)
        return undefined
      const text = box.open(state.slice(prefix.length), digestOf(bound))
      return text === undefined ? undefined : ticketOf(text)
    },
  }
}

/** What was sealed by us is what we wrote. */
const ticketOf = (text: string): Ticket | undefined => {
  const [instance, call, until] = JSON.parse(text) as [string, string, number]
  return until > Date.now() ? { instance, call } : undefined
}

/** A retry repeats the params; its envelope, answers and state are its own. */
const ownOfEach: ReadonlySet<string> = new Set(['_meta', 'inputResponses', 'requestState'])

const digestOf = ({ principal, backend, method, params }: Bound): Buffer => {
  const same = Object.entries(params).filter(([key]) => !ownOfEach.has(key))
  const text = JSON.stringify([principal, backend, method, sorted(Object.fromEntries(same))])
  return createHash('sha256').update(text).digest()
}

/** The order of members says nothing in JSON. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return entries.map(([key, each]) => [key, sorted(each)])
}
