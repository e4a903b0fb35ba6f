import type { HttpHeaders } from '@mcp-router/upstream'
import type { EdgeResponse } from '../http/edge.js'

/** Set on every response to a Handoff, by the Instance that serves it and by nothing else. */
const answeredHeader = 'x-mcp-router-handoff'

/** markAnswered marks a response as that of the Instance which took the Handoff. */
export const markAnswered = (res: EdgeResponse): void => {
  res.setHeader(answeredHeader, '1')
}

/** isAnswered tells whether the response comes from an Instance that took the Handoff. */
export const isAnswered = (headers: HttpHeaders): boolean => headers[answeredHeader] !== undefined

/**
 * NotServed: something else responded at the Instance's address, or the Instance refused the signature,
 * as one with another cluster secret does. The request was not served, and may be served elsewhere.
 */
export class NotServed extends Error {
  constructor(status: number) {
    super(`status ${status} from something that did not take the handoff`)
  }
}
