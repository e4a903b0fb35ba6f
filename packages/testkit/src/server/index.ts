export { asked, openAsideAsker, question } from './aside-asker.js'
export { openAsker } from './asker.js'
export type { Asker, AskerCall } from './asker.js'
export { echoes, exit, hang, perform, unknownMethod } from './call.js'
export type { Script, ServerCall, ServerSession, Step } from './call.js'
export {
  childrenOf,
  complete,
  openAskingCommand,
  openExclusive,
  openModernCommand,
  openRootsCommand,
  openUsual,
} from './commands.js'
export { openEndpoint, openModernEndpoint } from './endpoint.js'
export type { EndpointOptions, ModernEndpointOptions, TestEndpoint } from './endpoint.js'
export {
  answerJson,
  beginEvents,
  deadOrigin,
  deadUrl,
  echo,
  frame,
  messageIn,
  openHttp,
  respond,
} from './http.js'
export type { Asked, HttpServer } from './http.js'
export { openRaw } from './raw-server.js'
export type { RawServer, Scheme } from './raw-server.js'
export { openSseServer } from './sse-server.js'
export type { SseServer } from './sse-server.js'
export { openCommand } from './stdio.js'
export type { CommandOptions, TestCommand } from './stdio.js'
