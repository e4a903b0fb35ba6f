import { watchSilence } from '../call-deadline.js'
import type { Context } from '../downstream/context.js'
import type { HeldSession } from './held.js'

/**
 * limitHead gives the Endpoint of a Session its deadline for the head of a stream; behind that it may say nothing for as long as it likes. What it
 * returns ends the limit.
 */
export const limitHead = (
  { deps, deadlines }: Context,
  { record }: HeldSession,
  onPassed: (error: Error) => void,
): (() => void) => {
  const backend = deps.registry.snapshot().backends.get(record.backend)
  if (!backend) return () => undefined
  const limit = watchSilence(deadlines, {}, backend, onPassed)
  return () => deadlines.remove(limit)
}
