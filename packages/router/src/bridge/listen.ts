import {
  isRecord,
  metaKeys,
  notificationBytes,
  paramsOf,
  resultBytes,
  scanMessage,
} from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { Lane, LaneTerms, ListChange } from '@mcp-router/upstream'
import type { Context } from '../downstream/context.js'
import type { ModernReply } from './reply.js'
import type { Bridged } from './serve.js'

type Json = Readonly<Record<string, unknown>>

/** serveListen answers `subscriptions/listen` from a server with sessions: its notices of change, tagged with the subscription's id. */
export const serveListen = async (
  context: Context,
  reply: ModernReply,
  { backend, endpoint, claim }: Bridged,
  terms: LaneTerms,
): Promise<void> => {
  const asked = claim.params['notifications']
  if (!isRecord(asked)) {
    reply.refuse(-32602, 'Invalid params: "notifications" must say what to listen to')
    return
  }
  try {
    const lane = await context.deps.lanes.share(backend, endpoint, terms)
    const honoured = honouredOf(asked, lane)
    const tag = { [metaKeys.subscriptionId]: JSON.parse(reply.incoming.id) as string | number } // as the client wrote it
    const say = (method: string, params: Json): void => {
      const meta = isRecord(params['_meta']) ? params['_meta'] : {}
      const told = { ...params, _meta: { ...meta, ...tag } }
      reply.say(scanMessage(notificationBytes(method, told)))
    }
    // The acknowledgement goes first, whatever the server says meanwhile.
    let early: Message[] | undefined = []
    const tell = (message: Message): void => {
      if (early) early.push(message)
      else say(message.method, paramsOf(message) ?? {})
    }
    if (Object.keys(honoured).length === 0) {
      say('notifications/subscriptions/acknowledged', { notifications: honoured })
      reply.answer(resultBytes(reply.incoming.id, { resultType: 'complete', _meta: tag }))
      return
    }
    // Which session or Instance hears of a changed list is chance: all that hear of it tell.
    const forget = context.deps.changes.whenTold((name, change) => {
      if (name === backend.name && isMeant(change, honoured))
        tell(scanMessage(notificationBytes(change)))
    })
    reply.whenLeft(forget)
    const stop = await lane.listen(urisOf(honoured), {
      onUpdated(message) {
        const uri = paramsOf(message)?.['uri']
        if (typeof uri === 'string' && urisOf(honoured).includes(uri)) tell(message)
      },
      // The client may listen anew; an ending that it did not ask for says so (2026-07-28, subscriptions).
      onLost: () => reply.breakOff(),
    })
    say('notifications/subscriptions/acknowledged', { notifications: honoured })
    const waiting = early
    early = undefined
    for (const message of waiting) tell(message)
    reply.whenLeft(() => {
      forget()
      stop()
    })
  } catch (error) {
    reply.fail(error)
  }
}

/** The member of a filter, and the capability and its member that a server with sessions declares for it. */
const filters = [
  ['toolsListChanged', 'tools', 'notifications/tools/list_changed'],
  ['promptsListChanged', 'prompts', 'notifications/prompts/list_changed'],
  ['resourcesListChanged', 'resources', 'notifications/resources/list_changed'],
] as const

const honouredOf = (asked: Json, lane: Lane): Json => {
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

const urisOf = (filter: Json): readonly string[] => {
  const uris = filter['resourceSubscriptions']
  return Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : []
}

const isMeant = (change: ListChange, honoured: Json): boolean => {
  const filter = filters.find(([, , method]) => method === change)
  return filter !== undefined && honoured[filter[0]] === true
}
