import type { Session } from '@mcp-router/core'
import type { LifeEntry } from '@mcp-router/store'

interface Known {
  /** Undefined: it has ended. */
  readonly record: Session | undefined
  /** The oldest first. */
  readonly life: readonly LifeEntry[]
  /** ms since the epoch */
  readonly now: number
  readonly ttlMs: number
}

/** More would be no sentence any more; the whole life stands beside it. */
const mostTurns = 5

/** summaryOf tells the life of a Session in one sentence; of an id that was opened again, the last one. */
export const summaryOf = ({ record, life, now, ttlMs }: Known): string => {
  const at = life.findLastIndex(({ kind }) => kind === 'opened')
  const opened = life[at]
  const rest = life.slice(at + 1)
  const turns = rest.filter((entry, n) => matters(entry, rest[n - 1]))
  const shown = turns.slice(-mostTurns)
  const left = turns.length - shown.length
  const parts = [
    opened ? clause(opened, now) : 'its beginning is no longer recorded',
    ...(left > 0 ? [`${left} more ${left === 1 ? 'event' : 'events'}`] : []),
    ...shown.map((entry) => clause(entry, now)),
  ]
  const end = endOf(record, life.at(-1), now, ttlMs)
  return `${parts.join(', ')}${end} (times are UTC)`
}

/** What follows from the turn before it, and what a client did, needs no mention. */
const matters = ({ kind }: LifeEntry, before: LifeEntry | undefined): boolean => {
  if (kind === 'settled' || kind === 'resumed') return false
  return !(before?.kind === 'taken over' && (kind === 'replayed' || kind === 'reconnected'))
}

const endOf = (
  record: Session | undefined,
  last: LifeEntry | undefined,
  now: number,
  ttlMs: number,
): string => {
  if (record) {
    const idleS = Math.max(0, Math.round((now - record.lastActive) / 1_000))
    return `; still open; last used ${idleS} s ago`
  }
  if (last?.kind === 'ended') return ''
  return `; its record is gone: it was unused for ${Math.round(ttlMs / 1_000)} s, or the store lost it`
}

const clause = ({ at, kind, instance, endpoint, cause }: LifeEntry, now: number): string => {
  const because = cause && ` because ${cause}`
  const time = timeOf(at, now)
  switch (kind) {
    case 'opened':
      return `opened ${time} at ${instance}`
    case 'taken over':
      return `taken over by ${instance} at ${time}${because}`
    case 'released':
      return `released by ${instance} at ${time}${because}`
    case 're-initialized':
      return `re-initialized at ${time} by ${instance}${because}`
    case 'moved':
      return `moved to ${endpoint} at ${time}${because}`
    case 'replayed':
      return `its handshake replayed on a new connection at ${time}${because}`
    case 'reconnected':
      return `reconnected at ${time}${because}`
    case 'restored':
      return `written to the store again by ${instance} at ${time}${because}`
    case 'ended':
      return `ended ${time} at ${instance}${cause && ` (${cause})`}`
    default:
      return `${kind} ${time} at ${instance}${because}`
  }
}

/** The day is told where it is not today's. */
const timeOf = (at: number, now: number): string => {
  const [day = '', time = ''] = new Date(at).toISOString().split('T')
  const today = new Date(now).toISOString().slice(0, day.length)
  return `${day === today ? '' : `${day} `}${time.slice(0, 8)}`
}
