export { fileProvider, problemsOf } from './file-provider.js'
export type { Provider } from './file-provider.js'
