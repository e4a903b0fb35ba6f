export { backendOf, httpEndpoint, nodeEndpoint, sseEndpoint } from './backend.js'
