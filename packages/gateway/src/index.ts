export { startGateway } from './start.js'
export type { Gateway } from './start.js'
export type { Status } from './status.js'
export { version } from './version.js'
