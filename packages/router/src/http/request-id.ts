import { randomUUID } from 'node:crypto'
import type { EdgeRequest } from './edge.js'

// What may stand in a log line and a header as it is.
const requestIdShape = /^[\w.:-]{1,128}$/

const ownName = randomUUID()
let counted = 0

/** ownId names a request that came without an id. */
export const ownId = (): string => `${ownName}-${++counted}`

/** Nginx gives one X-Request-Id to all tries of a request; without Nginx, requests are counted under a name of this process. */
export const trustedId = (req: EdgeRequest): string | undefined => {
  const given = req.headers['x-request-id']
  return typeof given === 'string' && requestIdShape.test(given) ? given : undefined
}
