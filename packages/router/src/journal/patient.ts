import { setTimeout as wait } from 'node:timers/promises'
import type { Journal } from '@mcp-router/store'

/** A store that restarts is waited for so long, counted from when it went away, ms: what is accepted meanwhile is in the Journal all the same. */
const patienceMs = 5_000
const pauseMs = 100

/** patientJournal waits for a store that restarts; while it is away for longer, it rejects at once. */
export const patientJournal = (journal: Journal): Journal => {
  let awaySince: number | undefined
  const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        const done = await work()
        awaySince = undefined
        return done
      } catch (error) {
        awaySince ??= performance.now()
        if (performance.now() - awaySince > patienceMs) throw error
        await wait(pauseMs)
      }
    }
  }
  return {
    owe: (session, owed) => patiently(() => journal.owe(session, owed)),
    settle: (session, requestIds) => patiently(() => journal.settle(session, requestIds)),
    owed: (session) => patiently(() => journal.owed(session)),
    accept: (requestId, call) => patiently(() => journal.accept(requestId, call)),
    finish: (requestId, call) => patiently(() => journal.finish(requestId, call)),
    forget: (requestId) => patiently(() => journal.forget(requestId)),
  }
}
