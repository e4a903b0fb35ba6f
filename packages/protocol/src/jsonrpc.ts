import { writeExact } from './exact-json.js'

/** requestBytes writes a JSON-RPC request of the router's own. */
export const requestBytes = (id: string | number, method: string, params?: object): Buffer =>
  Buffer.from(writeExact({ jsonrpc: '2.0', id, method, params }))

/** notificationBytes writes a JSON-RPC notification of the router's own. */
export const notificationBytes = (method: string, params?: object): Buffer =>
  Buffer.from(writeExact({ jsonrpc: '2.0', method, params }))

/** resultBytes answers a request. `id` is JSON text, so that its type is kept. */
export const resultBytes = (id: string, result: object): Buffer =>
  Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":${writeExact(result)}}`)

/** errorBytes answers a request with an error. `id` is JSON text; empty where it could not be read (JSON-RPC 2.0 §5: null). */
export const errorBytes = (id: string, code: number, message: string, data?: object): Buffer =>
  Buffer.from(
    `{"jsonrpc":"2.0","id":${id || 'null'},"error":${writeExact({ code, message, data })}}`,
  )
