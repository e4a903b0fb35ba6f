import { isRecord } from '@mcp-router/protocol'
import type { Lane } from '@mcp-router/upstream'

type Json = Readonly<Record<string, unknown>>

/** filters are the members of a listen for lists: the capability that stands for each at a server with sessions, and its notification. */
export const filters = [
  ['toolsListChanged', 'tools', 'notifications/tools/list_changed'],
  ['promptsListChanged', 'prompts', 'notifications/prompts/list_changed'],
  ['resourcesListChanged', 'resources', 'notifications/resources/list_changed'],
] as const

/** honouredOf is the part of what was asked for that a server offers. */
export const honouredOf = (asked: Json, lane: Lane): Json => {
  const capabilities = lane.handshake['capabilities']
  const offers = (name: string, member: string): boolean => {
    const capability = isRecord(capabilities) ? capabilities[name] : undefined
    return isRecord(capability) && capability[member] === true
  }
  const lists = filters
    .filter(([filter, name]) => asked[filter] === true && offers(name, 'listChanged'))
    .map(([filter]) => [filter, true] as const)
  const uris = urisOf(asked)
  return {
    ...Object.fromEntries(lists),
    ...(uris.length > 0 && offers('resources', 'subscribe') && { resourceSubscriptions: uris }),
  }
}

/** urisOf are the resources that a filter names. */
export const urisOf = (filter: Json): readonly string[] => {
  const uris = filter['resourceSubscriptions']
  return Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : []
}
