export { heldBytes } from './held-bytes.js'
