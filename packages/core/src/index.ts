export type {
  Backend,
  Endpoint,
  Era,
  HttpEndpoint,
  RunAs,
  SseEndpoint,
  StdioEndpoint,
} from './backend.js'
export { Chain } from './chain.js'
export { childEnvironment, identityOf } from './child-environment.js'
export type { Link } from './chain.js'
export { remembered } from './remembered.js'
export {
  asError,
  asRouterError,
  didOf,
  errorCodes,
  isServerFault,
  reasonOf,
  RouterError,
  shortReason,
} from './errors.js'
export type { ErrorCode, ErrorData } from './errors.js'
export type { CallEvent, EventSink, Principal, RouterEvent, SessionEvent } from './event.js'
export { asBackendName, asSessionId, newSessionId } from './ids.js'
export type { BackendName, EndpointId, InstanceId, SessionId } from './ids.js'
export type { Instance } from './instance.js'
export { longestMs } from './longest.js'
export { parseRedisUrl } from './redis-address.js'
export type { Login, RedisAddress } from './redis-address.js'
export { retryStream, retryStreamAt } from './retry-stream.js'
export { secretDigestOf } from './secret-digest.js'
export { createSessionHash, isSessionHash } from './session-hash.js'
export { isPortable } from './session.js'
export type { Session } from './session.js'
