import { inTime, watchSilence } from '../../calls/call-deadline.js'
import type { Context } from '../../context.js'
import type { SessionEntry } from '../../sessions/entry.js'

/**
 * limitHead gives the Endpoint of a Session its deadline for the head of a stream; behind that it may say nothing for as long as it likes. What it
 * returns ends the limit.
 */
const limitHead = (
  { deps, deadlines }: Context,
  { record }: SessionEntry,
  onPassed: (error: Error) => void,
): (() => void) => {
  const backend = deps.registry.snapshot().backends.get(record.backend)
  if (!backend) return () => undefined
  const limit = watchSilence(deadlines, {}, backend, onPassed)
  return () => deadlines.remove(limit)
}

/**
 * untilServed waits for what a request of a Session cannot do without, an Upstream above all: as long as its Endpoint has for any message.
 * Who comes later may find what went on meanwhile.
 */
export const untilServed = <T>(
  { deps, deadlines }: Context,
  { record }: SessionEntry,
  done: Promise<T>,
): Promise<T> => {
  const backend = deps.registry.snapshot().backends.get(record.backend)
  return backend ? inTime(deadlines, backend, done) : done
}

/** HeadLimit is that of a stream which may be sent more than once before its head is there: all of it has one deadline. */
export class HeadLimit {
  private stop: (() => void) | undefined

  begin(context: Context, held: SessionEntry, onPassed: Parameters<typeof limitHead>[2]): void {
    this.stop ??= limitHead(context, held, onPassed)
  }

  end(): void {
    this.stop?.()
    this.stop = undefined
  }
}
