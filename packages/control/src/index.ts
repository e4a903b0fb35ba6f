export { fileProvider, besideOf } from './file-provider.js'
export type { Provider } from './file-provider.js'
