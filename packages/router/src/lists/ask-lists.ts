import { createHash } from 'node:crypto'
import { isRecord } from '@mcp-router/protocol'
import { readPages } from '@mcp-router/upstream'
import type { ListChange } from '@mcp-router/upstream'
import type { AskLists } from './offers.js'

type Json = Readonly<Record<string, unknown>>

/** AskServer sends a request of the router's own. It resolves with undefined where the server refuses it, and rejects where it cannot be asked. */
export type AskServer = (method: string, params: Json) => Promise<Json | undefined>

/** The capability that stands for each list, and where it is read: method, and member of the result. */
const lists: readonly (readonly [ListChange, string, readonly (readonly [string, string])[]])[] = [
  ['notifications/tools/list_changed', 'tools', [['tools/list', 'tools']]],
  ['notifications/prompts/list_changed', 'prompts', [['prompts/list', 'prompts']]],
  [
    'notifications/resources/list_changed',
    'resources',
    [
      ['resources/list', 'resources'],
      ['resources/templates/list', 'resourceTemplates'],
    ],
  ],
]

/** askLists looks at what a server with this InitializeResult lists. A client that was not promised news of a list gets none: it is not asked for. */
export const askLists =
  (opening: Json, ask: AskServer): AskLists =>
  async (known) => {
    const capabilities = isRecord(opening['capabilities']) ? opening['capabilities'] : {}
    const before = new Set(known)
    const digests = new Map<ListChange, string>()
    for (const [change, name, sources] of lists) {
      const offered = capabilities[name]
      if (!isRecord(offered)) continue
      if (offered['listChanged'] !== true && !before.has(change)) continue
      const items: string[] = []
      for (const [method, member] of sources)
        items.push(method, ...(await listed(ask, method, member)))
      digests.set(change, createHash('sha256').update(JSON.stringify(items)).digest('base64url'))
    }
    return digests
  }

/** In the order of their text: some servers list in another order each time. */
const listed = async (
  ask: AskServer,
  method: string,
  member: string,
): Promise<readonly string[]> => {
  const items: string[] = []
  const list = (cursor: string | undefined) => ask(method, cursor === undefined ? {} : { cursor })
  await readPages(list, ({ [member]: part }) => {
    if (Array.isArray(part)) items.push(...part.map((item: unknown) => JSON.stringify(item)))
  })
  return items.sort()
}
