/** Judge counts answers, and those that belong to another call than the one that they were delivered for. */
export interface Judge {
  readonly wrong: readonly string[]
  answered(): number
  /** Makes a nonce that no other call of the run has. */
  nonce(): string
  /** Hears of a message that reached a window of a client. */
  judge(heard: Heard): void
  /** Notes what a window does, for when an answer is wrong. */
  note(window: string, what: string): void
}

/** Heard is a message, and the calls that it may answer: those of one living process, by the text of their ids. */
export interface Heard {
  readonly window: string
  readonly message: string
  readonly pending: Map<string, Pending>
  /** All nonces that this process ever sent. */
  readonly own: ReadonlySet<string>
}

/** Pending is a call that waits for its answer. */
export interface Pending {
  readonly nonce: string
  readonly settle: (how: 'answered' | 'refused' | 'abandoned') => void
}

/** So many of the last things that a window did are told with a wrong answer. */
const maxNotes = 24

export const createJudge = (): Judge => {
  const wrong: string[] = []
  let answered = 0
  let nonces = 0
  const notes = new Map<string, string[]>()
  const begun = Date.now()
  const note = (window: string, what: string): void => {
    const lines = notes.get(window) ?? []
    notes.set(window, lines)
    lines.push(`  ${Date.now() - begun} ms: ${what}`)
    if (lines.length > maxNotes) lines.shift()
  }
  const isWrong = (window: string, what: string): void => {
    wrong.push([`${window}: ${what}`, ...(notes.get(window) ?? [])].join('\n'))
  }
  return {
    note,
    wrong,
    answered: () => answered,
    nonce: () => `nonce~${++nonces}~`,
    judge({ window, message, pending, own }) {
      note(window, `received ${message.slice(0, 160)}`)
      for (const one of messagesIn(message)) {
        if (one.method !== undefined) continue
        const id = JSON.stringify(one.id)
        const call = pending.get(id)
        const found = /nonce~\d+~/.exec(JSON.stringify(one.result ?? null))?.[0]
        if (found !== undefined && !own.has(found))
          isWrong(window, `${found}, which it never sent, came as the answer to ${id}`)
        else if (found !== undefined && call && call.nonce !== found)
          isWrong(window, `${found} came as the answer to ${id}, which is ${call.nonce}`)
        if (!call) continue
        pending.delete(id)
        if (found === call.nonce) answered++
        call.settle(found === call.nonce ? 'answered' : 'refused')
      }
    },
  }
}

interface Message {
  readonly id?: unknown
  readonly method?: unknown
  readonly result?: unknown
}

const messagesIn = (text: string): readonly Message[] => {
  try {
    return [JSON.parse(text) as Message | readonly Message[]].flat()
  } catch {
    return []
  }
}
