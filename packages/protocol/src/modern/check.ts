import type { Message } from '../message.js'
import { isModernRevision, modernRevisions } from '../revision.js'
import { namesModernEra } from './claim.js'
import type { ModernClaim } from './claim.js'
import { envelopeFault, metaKeys } from './envelope.js'
import { readHeader } from './header-values.js'
import type { HeaderValues } from './header-values.js'
import { mirroredName } from './name.js'
import * as refusal from './refusal.js'
import type { Refusal } from './refusal.js'
import { decodeHeaderValue } from './sentinel.js'

/**
 * checkModernRequest checks what a router can decide of a posted message before it goes anywhere, in the order of the official SDK:
 * envelope, disagreeing headers, revision, missing headers and `Mcp-Name`, method (2026-07-28, Streamable HTTP §Server Validation).
 * Between the last two stands checkParamHeaders, which needs the schema of the tool. Undefined: go on. It takes legacy traffic too,
 * whose headers must not name a modern revision.
 */
export const checkModernRequest = (
  message: Message,
  claim: ModernClaim | undefined,
  headers: HeaderValues,
): Refusal | undefined => {
  switch (message.kind) {
    case 'request':
      return claim ? checkClaimed(message, claim, headers) : checkUnclaimed(message, headers)
    case 'notification':
      return checkNotification(message, claim, headers)
    case 'response':
      return modernRevisionOf(headers) === undefined
        ? undefined
        : refusal.invalidRequest('answers go into a retry of the request; no response is posted')
  }
}

/**
 * agreesAtSight is true of the usual request, which checkModernRequest would let pass too, at a fraction of the work: plain headers that
 * are what the body says. `headers` has lower-case names; a repeated field is joined by commas, as node does. False says nothing yet.
 */
export const agreesAtSight = (
  message: Message,
  claim: ModernClaim,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): boolean => {
  const { revision, meta, params } = claim
  if (message.kind !== 'request' || typeof revision !== 'string') return false
  if (!isModernRevision(revision) || headers['mcp-protocol-version'] !== revision) return false
  if (headers['mcp-method'] !== message.method || removedMethods.has(message.method)) return false
  const name = mirroredName(message.method, params)
  if (name && (name.value === undefined || headers['mcp-name'] !== name.value)) return false
  // What has a comma may be two fields, and what looks encoded is another name.
  if (name?.value && unclear.test(name.value)) return false
  return envelopeFault(meta) === undefined
}

const unclear = /[^!-+\--~]|^=\?/

/**
 * modernRevisionOf finds a modern revision anywhere in `MCP-Protocol-Version`, so that repeating it is no way around the checks. Of a
 * message without claim it decides for notifications alone: those of the modern era go without envelope.
 */
export const modernRevisionOf = (headers: HeaderValues): string | undefined =>
  headers(versionHeader)
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .find(namesModernEra)

const checkClaimed = (
  message: Message,
  claim: ModernClaim,
  headers: HeaderValues,
): Refusal | undefined => {
  const fault = envelopeFault(claim.meta)
  if (fault) return refusal.malformedEnvelope(fault)
  return (
    disagreement(headers, versionHeader, claim.revision) ??
    disagreement(headers, methodHeader, message.method) ??
    unserved(claim.revision) ??
    absence(headers, versionHeader) ??
    absence(headers, methodHeader) ??
    checkName(message, claim, headers) ??
    removed(message.method)
  )
}

/** The header cannot make a request modern: it can only contradict a body that is not (2026-07-28, versioning). */
const checkUnclaimed = (message: Message, headers: HeaderValues): Refusal | undefined => {
  const revision = modernRevisionOf(headers)
  if (revision === undefined) return undefined
  // Before the missing envelope, unlike the SDK: what an unknown revision requires is not known.
  if (!isModernRevision(revision)) return refusal.unsupportedRevision(revision)
  if (message.method === 'initialize') {
    return refusal.headerMismatch(versionHeader, 'names a revision that has no initialize')
  }
  return refusal.missingEnvelope()
}

/** The rules for the headers of notifications are not written: what is sent must agree, nothing is required (as the SDK does). */
const checkNotification = (
  message: Message,
  claim: ModernClaim | undefined,
  headers: HeaderValues,
): Refusal | undefined => {
  const revision = claim ? claim.revision : modernRevisionOf(headers)
  if (revision === undefined) return undefined
  if (typeof revision !== 'string') {
    return refusal.malformedEnvelope({ key: metaKeys.protocolVersion, problem: 'must be a string' })
  }
  return (
    disagreement(headers, versionHeader, revision) ??
    disagreement(headers, methodHeader, message.method) ??
    unserved(revision)
  )
}

const disagreement = (
  headers: HeaderValues,
  name: string,
  expected: unknown,
): Refusal | undefined => {
  const reading = readHeader(headers, name)
  switch (reading.state) {
    case 'absent':
      return undefined
    case 'repeated':
      return refusal.headerMismatch(name, 'was sent more than once')
    case 'single':
      if (reading.value === expected) return undefined
      return refusal.headerMismatch(name, 'differs from the body')
  }
}

const unserved = (revision: unknown): Refusal | undefined =>
  typeof revision === 'string' && isModernRevision(revision)
    ? undefined
    : refusal.unsupportedRevision(revision)

const absence = (headers: HeaderValues, name: string): Refusal | undefined =>
  headers(name).length === 0 ? refusal.headerMismatch(name, 'is missing') : undefined

const checkName = (
  message: Message,
  claim: ModernClaim,
  headers: HeaderValues,
): Refusal | undefined => {
  const name = mirroredName(message.method, claim.params)
  if (!name) return undefined
  const reading = readHeader(headers, nameHeader)
  if (reading.state === 'repeated') {
    return refusal.headerMismatch(nameHeader, 'was sent more than once')
  }
  if (reading.state === 'absent') {
    // Without the member the params are wrong, which the backend says better.
    return name.value === undefined ? undefined : absence(headers, nameHeader)
  }
  const decoded = decodeHeaderValue(reading.value)
  if (decoded === undefined) return refusal.headerMismatch(nameHeader, 'is badly encoded')
  if (name.value === undefined || decoded === name.value) return undefined
  return refusal.headerMismatch(nameHeader, `differs from params.${name.member}`)
}

const removed = (method: string): Refusal | undefined =>
  removedMethods.has(method) ? refusal.methodNotFound(modernRevisions[0]) : undefined

/** What earlier revisions had as requests of a client, and what now is only embedded in results (2026-07-28, changelog; SEP-2663). */
const removedMethods: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
  'tasks/list',
  'tasks/result',
  'elicitation/create',
  'sampling/createMessage',
  'roots/list',
])

const versionHeader = 'MCP-Protocol-Version'
const methodHeader = 'Mcp-Method'
const nameHeader = 'Mcp-Name'
