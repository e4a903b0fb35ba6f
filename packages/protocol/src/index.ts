export { isInteractive, legacyCapabilities, modernCapabilities } from './bridge/capabilities.js'
export { legacyParams, modernParams } from './bridge/envelope.js'
export type { ClientFace } from './bridge/envelope.js'
export { legacyError, modernError } from './bridge/errors.js'
export {
  inputRequired,
  legacyInputRequest,
  modernInputRequest,
  takesInput,
  urlInputRequests,
} from './bridge/input.js'
export type { InputRequest, InputRequired } from './bridge/input.js'
export type { Json } from './bridge/json.js'
export { discoverFault, discoverResult, initializeResult } from './bridge/opening.js'
export type { Cache } from './bridge/opening.js'
export { wrapsOutput } from './bridge/output-schema.js'
export { paramHeaders } from './bridge/params.js'
export { legacyResult, modernResult } from './bridge/results.js'
export { ChunkCollector } from './chunk-collector.js'
export { isTooDeep } from './depth.js'
export { parseExact, SpelledNumber, writeExact } from './exact-json.js'
export { errorBytes, notificationBytes, requestBytes, resultBytes } from './jsonrpc.js'
export { MalformedMessage, MalformedResponse } from './malformed.js'
export {
  cancelledId,
  canonicalId,
  exactParamsOf,
  paramsOf,
  parseJson,
  refusedIdOf,
  requireValid,
  resultOf,
  scanMessage,
} from './message.js'
export type { Message } from './message.js'
export { eventStreamType, isMediaType, jsonType } from './media.js'
export { toolNameOf } from './tool-name.js'
export { agreesAtSight, checkModernRequest, modernRevisionOf } from './modern/check.js'
export { modernClaim, namesModernEra } from './modern/claim.js'
export type { ModernClaim } from './modern/claim.js'
export { isRecord, metaKeys } from './modern/envelope.js'
export { headerValuesOf } from './modern/header-values.js'
export type { HeaderValues } from './modern/header-values.js'
export { modernRequestHeaders } from './modern/headers.js'
export { checkDeclaredParams, checkParamHeaders } from './modern/param-check.js'
export { scanParamHeaders } from './modern/param-scan.js'
export type { ParamDeclaration, ParamScan } from './modern/param-scan.js'
export type { Refusal } from './modern/refusal.js'
export { decodeHeaderValue, encodeHeaderValue } from './modern/sentinel.js'
export {
  agreedRevision,
  isLegacyRevision,
  isModernRevision,
  latestLegacy,
  legacyRevisions,
  modernRevisions,
} from './revision.js'
export { isStrayProgress, progressTokenOf } from './progress.js'
export { objectEnd } from './scan.js'
export { flatten, insertIntoResult, spliceId, spliceProgressToken } from './splice.js'
export type { Spliced } from './splice.js'
export { createSseDecoder, eventFrame, keepAliveFrame, messageFrame } from './sse.js'
export type { SseDecoder, SseEvent } from './sse.js'
export { endsEvent, eventBytes, soleMessageIn } from './sse-frame.js'
