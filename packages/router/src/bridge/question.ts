import { exactParamsOf } from '@mcp-router/protocol'
import type { InputRequest, Message } from '@mcp-router/protocol'

/** Question is something that a server asks the client of a call. */
export interface Question {
  readonly key: string
  readonly request: Message
  readonly asked: InputRequest
}

/** questionIn reads one; undefined where it cannot be: what a server sends is known by its envelope only. */
export const questionIn = (request: Message): InputRequest | undefined => {
  try {
    return { method: request.method, params: exactParamsOf(request) ?? {} }
  } catch {
    return undefined
  }
}
