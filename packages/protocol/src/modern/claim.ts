import { paramsOf } from '../message.js'
import type { Message } from '../message.js'
import { modernRevisions } from '../revision.js'
import { envelopeFault, isRecord, metaKeys } from './envelope.js'

/** ModernClaim is what a message says of itself when it claims a revision without sessions; parsed once, for all who check it. */
export interface ModernClaim {
  /** As it was sent: a string, if the client made no mistake. */
  readonly revision: unknown
  readonly meta: Readonly<Record<string, unknown>>
  readonly params: Readonly<Record<string, unknown>>
}

/**
 * modernClaim decides the era of a message by its body (2026-07-28, versioning §Backward Compatibility): there is a claim when
 * `params._meta` has the protocol version, be it malformed or not. `initialize` opens a session unless its claim is sound, so it has
 * none else. Undefined: legacy traffic, which pays for a search of the bytes only.
 *
 * It throws MalformedMessage where the bytes look like a claim and are not JSON.
 */
export const modernClaim = (message: Message): ModernClaim | undefined => {
  if (message.kind === 'response' || !mayClaim(message.bytes)) return undefined
  const params = paramsOf(message)
  const meta = params?._meta
  if (!params || !isRecord(meta) || !Object.hasOwn(meta, metaKeys.protocolVersion)) return undefined
  const claim = { revision: meta[metaKeys.protocolVersion], meta, params }
  return message.method === 'initialize' && !isSound(claim) ? undefined : claim
}

/**
 * namesModernEra says whether a revision is of the modern era, served here or not. Revisions are dates, so their order as text is their
 * order in time.
 */
export const namesModernEra = (revision: unknown): boolean =>
  typeof revision === 'string' &&
  /^\d{4}-\d{2}-\d{2}$/.test(revision) &&
  revision >= modernRevisions[0]

const isSound = ({ revision, meta }: ModernClaim): boolean =>
  namesModernEra(revision) && !envelopeFault(meta)

const key = Buffer.from(metaKeys.protocolVersion)
const backslash = 0x5c

/** Needles of the escapes go without their backslash: bodies are full of `\n` and `\"`, at each of which a search would stop. */
const afterSlash = Buffer.from('protocolVersion')
const escapedAscii = Buffer.from('u00')

/** A letter of the key written as an escape. `<`, `>`, `&` and quotes, which careful encoders escape, are none of them. */
const escapedLetter = /u00(?:2[ef]|56|6[1-9a-f]|7[0-9a])/i

/**
 * mayClaim is false only for bytes that cannot hold the key, however it is spelled: PHP writes `/` as `\/`, and a body must not pass for
 * legacy here and for modern behind us because of an escape.
 */
const mayClaim = (bytes: Buffer): boolean => {
  if (bytes.includes(key)) return true
  if (!bytes.includes(backslash)) return false
  if (bytes.includes(afterSlash)) return true
  return bytes.includes(escapedAscii) && escapedLetter.test(bytes.toString('latin1'))
}
