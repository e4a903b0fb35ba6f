export { errorBytes, notificationBytes, requestBytes, resultBytes } from './jsonrpc.js'
export { MalformedMessage, paramsOf, requireValid, resultOf, scanMessage } from './message.js'
export type { Message } from './message.js'
export { checkModernRequest, modernRevisionOf } from './modern/check.js'
export { modernClaim, namesModernEra } from './modern/claim.js'
export type { ModernClaim } from './modern/claim.js'
export { metaKeys } from './modern/envelope.js'
export { headerValuesOf } from './modern/header-values.js'
export type { HeaderValues } from './modern/header-values.js'
export { modernRequestHeaders } from './modern/headers.js'
export { checkDeclaredParams, checkParamHeaders } from './modern/param-check.js'
export { scanParamHeaders } from './modern/param-scan.js'
export type { ParamDeclaration, ParamScan } from './modern/param-scan.js'
export type { Refusal } from './modern/refusal.js'
export { decodeHeaderValue, encodeHeaderValue } from './modern/sentinel.js'
export {
  isLegacyRevision,
  isModernRevision,
  latestLegacy,
  legacyRevisions,
  modernRevisions,
} from './revision.js'
export { flatten, spliceId } from './splice.js'
export type { Spliced } from './splice.js'
export { createSseDecoder, eventFrame, keepAliveFrame, messageFrame } from './sse.js'
export type { SseDecoder, SseEvent } from './sse.js'
