import type { Json } from './json.js'

/** modernError is a legacy server's error for a modern client. -32042 stays: urlInputRequests makes a question of it. */
export const modernError = (error: Json): Json => {
  if (error.code === resourceNotFound) return { ...error, code: invalidParams }
  // In the range that the modern era took for its own, a code of before must not pass for one of its (2026-07-28, basic §Error Codes).
  return isReserved(error.code) && error.code !== urlElicitationRequired
    ? { ...error, code: internalError }
    : error
}

/** legacyError is a modern server's error for a legacy client. What the router did wrong on the way is not the client's mistake. */
export const legacyError = (error: Json): Json =>
  modernOnly.has(error.code) ? { ...error, code: internalError } : error

export const urlElicitationRequired = -32042

const resourceNotFound = -32002
const invalidParams = -32602
const internalError = -32603

/** HeaderMismatch, MissingRequiredClientCapability, UnsupportedProtocolVersion. */
const modernOnly: ReadonlySet<unknown> = new Set([-32020, -32021, -32022])

const isReserved = (code: unknown): boolean =>
  typeof code === 'number' && code <= -32020 && code >= -32099
