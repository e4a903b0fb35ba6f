import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

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
const nonceBytes = 12
const tagBytes = 16
const longest = 4_096

/** createSeal derives its key from the cluster secret, so that any Instance opens what another sealed. `ttlMs` from sealing on. */
export const createSeal = (clusterSecret: string, ttlMs: number): Seal => {
  const key = Buffer.from(hkdfSync('sha256', clusterSecret, '', 'mcp-router requestState', 32))
  return {
    seal({ instance, call }, bound) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(digestOf(bound))
      const text = JSON.stringify([instance, call, Date.now() + ttlMs])
      const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final()])
      return prefix + Buffer.concat([sealed, cipher.getAuthTag()]).toString('base64url')
    },
    open(state, bound) {
      if (typeof state !== 'string' || !state.startsWith(prefix) || state.length > longest)
        return undefined
      const bytes = Buffer.from(state.slice(prefix.length), 'base64url')
      // Base64 has many spellings of the same bytes: only our own counts.
      if (prefix + bytes.toString('base64url') !== state) return undefined
      if (bytes.length < nonceBytes + tagBytes) return undefined
      try {
        const cipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes))
        cipher.setAAD(digestOf(bound)).setAuthTag(bytes.subarray(-tagBytes))
        const text = cipher.update(bytes.subarray(nonceBytes, -tagBytes), undefined, 'utf8')
        return ticketOf(text + cipher.final('utf8'))
      } catch {
        return undefined
      }
    },
  }
}

/** What was sealed by us is what we wrote. */
const ticketOf = (text: string): Ticket | undefined => {
  const [instance, call, until] = JSON.parse(text) as [string, string, number]
  return until > Date.now() ? { instance, call } : undefined
}

/** A retry repeats the params; its envelope, answers and state are its own. */
const ownOfEach = new Set(['_meta', 'inputResponses', 'requestState'])

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
