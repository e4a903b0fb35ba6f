export type { Admission, Broadcast, RouterDeps, RouterOptions } from './deps.js'
export { createRouter } from './router.js'
export type { Router } from './router.js'
export type { EndpointState } from './policy/selector.js'
