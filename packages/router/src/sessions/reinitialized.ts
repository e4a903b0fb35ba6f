import type { Endpoint } from '@mcp-router/core'
import { notificationBytes } from '@mcp-router/protocol'
import { advertisedChanges, discard } from '@mcp-router/upstream'
import { askRunning } from '../calls/retry-safe.js'
import type { Context } from '../context.js'

/**
 * reinitialized is for a Session whose handshake was replayed at an Endpoint: what that lists may not be what was listed before. It returns the
 * notifications that say so to the client: each list_changed that the server advertises. What is known of the Backend's tools is listed anew,
 * here and at the other Instances: a call that may not run twice must not be taken for one that may.
 */
export const reinitialized = (
  context: Context,
  name: string,
  endpoint: Endpoint,
  capabilities: unknown,
): readonly Buffer[] => {
  const { registry, catalog, broadcast } = context.deps
  const backend = [...registry.snapshot().backends.values()].find((each) => each.name === name)
  if (backend) {
    broadcast.serverInitialized(backend.name)
    const isKnown = catalog.known(backend) !== undefined
    catalog.forget(backend.name)
    const list = (cursor: string | undefined) =>
      askRunning(context, { backend, endpoint }, cursor === undefined ? {} : { cursor })
    if (isKnown) discard(catalog.tools(backend, list))
  }
  return advertisedChanges(capabilities).map((change) => notificationBytes(change))
}
