export { errorBytes, notificationBytes, requestBytes, resultBytes } from './jsonrpc.js'
export {
  MalformedMessage,
  paramsOf,
  parseMessage,
  requireValid,
  resultOf,
  scanMessage,
} from './message.js'
export type { Message } from './message.js'
export { isLegacyRevision, latestLegacy, legacyRevisions } from './revision.js'
export { flatten, spliceId } from './splice.js'
export type { Spliced } from './splice.js'
export { createSseDecoder, eventFrame, keepAliveFrame, messageFrame } from './sse.js'
export type { SseDecoder, SseEvent } from './sse.js'
