import { describeStore } from '../store.contract.js'
import { memoryStore } from './store.js'

describeStore('memory', (options) => Promise.resolve(memoryStore(options)))
