export { onTestFinished, useConcurrentTests } from './at-once.js'
