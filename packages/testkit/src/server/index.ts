export { asked, openAsideAsker, question } from './aside-asker.js'
export { openAsker } from './asker.js'
export type { Asker, AskerCall } from './asker.js'
export { openEndpoint, openModernEndpoint } from './endpoint.js'
export type { EndpointOptions, ModernEndpointOptions, TestEndpoint } from './endpoint.js'
export { exclusiveEndpoint } from './exclusive-server.js'
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
export { askingCommand, modernCommand } from './modern-command.js'
export { openRaw } from './raw-server.js'
export type { RawServer, Scheme } from './raw-server.js'
export { openSseServer } from './sse-server.js'
export type { SseServer } from './sse-server.js'
export { askingServer, childrenOf, stdioServer } from './stdio-server.js'
