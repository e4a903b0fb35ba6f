export { createQueue } from './queue.js'
export type { Queue } from './queue.js'
export { until } from './until.js'
