export { arrayIn, eventsIn, overHttp, overStdio, stdioOf } from './batch-client.js'
export type { BatchClient } from './batch-client.js'
export { openGateway, openStore } from './gateway.js'
export type { TestGateway } from './gateway.js'
export {
  begin,
  cut,
  handshakeOf,
  openTwo,
  requestsOwed,
  returnTo,
  revision,
  streamAt,
} from './sse-client.js'
