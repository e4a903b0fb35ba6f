import { canonicalId } from './message.js'
import type { Message } from './message.js'
import { Members } from './members.js'
import { scanEnvelope, scanMembers, textOf } from './scan.js'
import type { Span } from './scan.js'

const progressMethod = 'notifications/progress'

/**
 * progressTokenOf is the token by which a request asks for progress, or which a notification of progress names, as canonical JSON text.
 * Undefined: there is none, or none that a token can be.
 */
export const progressTokenOf = ({
  bytes,
  kind,
  method,
  paramsSpan,
}: Message): string | undefined => {
  if (kind === 'response') return undefined
  const span = progressTokenSpan(bytes, kind === 'request', method, paramsSpan)
  const token = span && canonicalId(textOf(bytes, span))
  return token === '' || token === 'null' ? undefined : token
}

/**
 * isStrayProgress tells that a message is progress which its peer did not ask for: `isAsked` says of a token whether a request that is under
 * way has it. Such a notification belongs to no call, so nobody may receive it (2025-11-25 and 2026-07-28, progress).
 */
export const isStrayProgress = (message: Message, isAsked: (token: string) => boolean): boolean => {
  if (message.kind !== 'notification' || message.method !== progressMethod) return false
  const token = progressTokenOf(message)
  return token === undefined || !isAsked(token)
}

/** progressTokenSpan finds the token of a request, or of a notification of progress. */
export const progressTokenSpan = (
  bytes: Buffer,
  isRequest: boolean,
  method: string,
  params = scanEnvelope(bytes)?.params,
): Span | undefined => {
  if (!isRequest && method !== progressMethod) return undefined
  const holder = params && isRequest ? memberOf(bytes, params, meta) : params
  return holder && memberOf(bytes, holder, token)
}

const meta = new Members('_meta')
const token = new Members('progressToken')

const memberOf = (bytes: Buffer, span: Span, key: Members): Span | undefined =>
  Object.values(scanMembers(bytes, span, key) ?? {})[0]
