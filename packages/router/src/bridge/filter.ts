import { isRecord } from '@mcp-router/protocol'
import { advertisedChanges } from '@mcp-router/upstream'
import type { Lane } from '@mcp-router/upstream'

type Json = Readonly<Record<string, unknown>>

/** filters are the members of a listen for lists, and the notification that stands for each at a server with sessions. */
export const filters = [
  ['toolsListChanged', 'notifications/tools/list_changed'],
  ['promptsListChanged', 'notifications/prompts/list_changed'],
  ['resourcesListChanged', 'notifications/resources/list_changed'],
] as const

/** honouredOf is the part of what was asked for that a server offers. */
export const honouredOf = (asked: Json, lane: Lane): Json => {
  const capabilities = lane.handshake['capabilities']
  const changes = advertisedChanges(capabilities)
  const lists = filters
    .filter(([filter, change]) => asked[filter] === true && changes.includes(change))
    .map(([filter]) => [filter, true] as const)
  const resources = isRecord(capabilities) ? capabilities['resources'] : undefined
  const canSubscribe = isRecord(resources) && resources['subscribe'] === true
  const uris = urisOf(asked)
  return {
    ...Object.fromEntries(lists),
    ...(uris.length > 0 && canSubscribe && { resourceSubscriptions: uris }),
  }
}

/** urisOf are the resources that a filter names. */
export const urisOf = (filter: Json): readonly string[] => {
  const uris = filter['resourceSubscriptions']
  return Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : []
}
