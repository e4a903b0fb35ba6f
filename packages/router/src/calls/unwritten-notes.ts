import type { SessionId } from '@mcp-router/core'
import type { Journal, Owed } from '@mcp-router/store'

/** Note is what could not be written. */
interface Note {
  readonly session: SessionId
  readonly epoch: number
  readonly owed: Owed
}

/** UnwrittenNotes are written once the store can be reached. */
export interface UnwrittenNotes {
  /** Takes the note of this name; of too many the oldest goes. */
  add(name: string, note: Note): void
  /** Drops it: another one takes its place, or nobody needs it any more. */
  drop(name: string): void
  has(name: string): boolean
  /** Those of a Session. */
  of(session: SessionId): readonly Owed[]
}

const pauseMs = 250
const maxNotes = 10_000
const maxBytes = 16 * 1024 * 1024

/** `onSuperseded` comes for a note of a Session that another Instance has claimed since. */
export const createUnwrittenNotes = (
  journal: Pick<Journal, 'owe'>,
  onSuperseded: (session: SessionId, entry: string) => void,
): UnwrittenNotes => {
  const notes = new Map<string, Note>()
  let bytes = 0
  let timer: NodeJS.Timeout | undefined

  const drop = (name: string): void => {
    const note = notes.get(name)
    if (!note) return
    notes.delete(name)
    bytes -= note.owed.body.length
  }

  /** write stops at the first that fails: the store is away still. */
  const write = async (): Promise<void> => {
    for (const [name, note] of notes) {
      const isWritten = await journal.owe(note.session, note.epoch, note.owed)
      if (!isWritten) onSuperseded(note.session, note.owed.entry)
      if (notes.get(name) === note) drop(name)
    }
  }

  const later = (): void => {
    timer ??= setTimeout(() => {
      write()
        .catch(() => undefined)
        .finally(() => {
          timer = undefined
          if (notes.size > 0) later()
        })
    }, pauseMs).unref()
  }

  return {
    add(name, note) {
      drop(name)
      notes.set(name, note)
      bytes += note.owed.body.length
      while (notes.size > maxNotes || bytes > maxBytes) drop(notes.keys().next().value ?? '')
      later()
    },
    drop,
    has: (name) => notes.has(name),
    of: (session) =>
      [...notes.values()].flatMap((note) => (note.session === session ? [note.owed] : [])),
  }
}
