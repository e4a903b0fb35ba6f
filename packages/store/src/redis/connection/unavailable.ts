import { RouterError } from '@mcp-router/core'
import { NoAnswer } from './within.js'

/** isReply tells that Redis answered with an error of this code: READONLY, WRONGTYPE … */
export const isReply = (thrown: unknown, code: string): boolean => {
  if (!(thrown instanceof Error) || thrown.name !== 'ReplyError') return false
  // Before Redis 7 the error of a command in a script stands inside that of the script.
  return thrown.message.startsWith(`${code} `) || thrown.message.includes(`-${code} `)
}

const refusals: Readonly<Record<string, string>> = {
  OOM: 'its memory is full',
  READONLY: 'it is a read-only replica (READONLY)',
  NOREPLICAS: 'it has too few replicas (NOREPLICAS)',
  MISCONF: 'it cannot save its data (MISCONF)',
}

/** refusalOf says why Redis, which can be reached, refused to write; undefined: it did not. */
export const refusalOf = (thrown: unknown): string | undefined =>
  Object.entries(refusals).find(([code]) => isReply(thrown, code))?.[1]

/** briefly leaves out the addresses and arguments in the text of a cause: the client of the router is a stranger. */
const briefly = (cause: Error): string => {
  if (cause instanceof NoAnswer) return cause.message
  if (isReply(cause, 'OOM')) return 'its memory is full'
  if (cause.name === 'ReplyError') return cause.message.split(' ', 1).join()
  return 'code' in cause ? String(cause.code) : 'connection lost'
}

/** isFull tells that Redis refused a write because it holds as much as it may (`maxmemory`); what it holds goes on. */
export const isFull = (error: unknown): boolean =>
  error instanceof RouterError && isReply(error.cause, 'OOM')

/** unavailable turns what was thrown on the way to Redis into the one error of the store. */
export const unavailable = (thrown: unknown): RouterError => {
  if (!(thrown instanceof Error)) return new RouterError('STORE_UNAVAILABLE', {}, thrown)
  // ioredis hangs the command and its arguments on the error, and causes are logged.
  Reflect.deleteProperty(thrown, 'command')
  return new RouterError('STORE_UNAVAILABLE', { reason: briefly(thrown) }, thrown)
}
