import type { Instance, RouterError } from '@mcp-router/core'
import type { Context } from '../context.js'
import type { Incoming } from '../http/incoming.js'
import { respondError } from '../http/respond.js'

/**
 * joinListener has a client's stream go on at the Instance that has the Endpoint's in its place. `instead` is for when that is gone; without it the
 * client comes again, or is told.
 */
export const joinListener = (
  { handoff }: Context,
  incoming: Incoming,
  listener: Instance,
  instead: (error: RouterError) => void = (error) => {
    if (incoming.res.headersSent) incoming.res.end()
    else respondError(incoming, error)
  },
): void => handoff.passTo(incoming, listener, undefined, { unreachable: instead, lost: instead })
