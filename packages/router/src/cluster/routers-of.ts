import { loopHeader } from '@mcp-router/upstream'
import type { LoopGuard } from '@mcp-router/upstream'
import type { Sender } from './signature.js'
import type { EdgeRequest } from '../http/edge.js'

/** routersOf names the other routers that passed a request on. It throws LOOP_DETECTED; a handoff between Instances is no loop. */
export const routersOf = (
  loops: LoopGuard,
  { headers, url = '/' }: EdgeRequest,
  from: Sender | undefined,
): string => {
  const header = headers[loopHeader]
  if (typeof header !== 'string') return ''
  return from ? loops.others(header) : loops.admit(header, url)
}
