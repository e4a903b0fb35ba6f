import { randomUUID } from 'node:crypto'
import type { Instance, InstanceId, Session, SessionId } from '@mcp-router/core'
import { asSessionId } from '@mcp-router/core'
import type { SessionStore, StoreGuard } from '@mcp-router/store'
import { post } from '@mcp-router/upstream'
import type { HttpClient } from '@mcp-router/upstream'
import type { Members } from './members.js'
import { sign } from './signature.js'
import type { EdgeResponse } from '../http/edge.js'

/** Where one Instance asks another for a Session that it remembers; Nginx lets nobody else pass. */
export const recallPrefix = '/internal/sessions/'

interface Deps {
  readonly client: HttpClient
  readonly members: Pick<Members, 'lately'>
  readonly instance: InstanceId
  /** What Instances know each other by. */
  readonly secret: string
}

/** Recall finds a Session that another Instance remembers, for times without a store. Undefined: none does. */
export type Recall = (id: SessionId) => Promise<Session | undefined>

/** An Instance that does not answer within this has nothing to say, ms. */
const patienceMs = 1_000

export const createRecall = ({ client, members, instance, secret }: Deps): Recall => {
  const ask = async ({ address }: Instance, id: SessionId): Promise<Session | undefined> => {
    const target = recallPrefix + encodeURIComponent(id)
    const asked = {
      method: 'GET',
      principal: '',
      requestId: randomUUID(),
      body: undefined,
    } as const
    const headers = sign(secret, { ...asked, target, hops: 1 })
    const posting = post(client, address + target, { method: 'GET', headers })
    const late = setTimeout(() => posting.abort(new Error('it does not answer')), patienceMs)
    const { status, body } = await posting.answer.finally(() => clearTimeout(late))
    return status === 200 ? (JSON.parse(body.toString('utf8')) as Session) : undefined // an Instance's
  }
  return async (id) => {
    const others = (await members.lately()).filter((each) => each.id !== instance)
    const asked = await Promise.all(others.map((each) => ask(each, id).catch(() => undefined)))
    const known = asked.filter((record) => record !== undefined)
    // One may not have heard of the latest Takeover, or that the Session was opened anew at its server.
    return known.toSorted((a, b) => b.epoch - a.epoch || b.lastActive - a.lastActive)[0]
  }
}

/** answerRecall tells another Instance what is remembered here. */
export const answerRecall = (
  url: string,
  res: EdgeResponse,
  remembered: (id: SessionId) => Session | undefined,
): void => {
  const id = asSessionId(decodeURIComponent(url.slice(recallPrefix.length)))
  const record = id && remembered(id)
  res.writeHead(record ? 200 : 404, ['content-type', 'application/json'])
  res.end(record && JSON.stringify(record))
}

/** recalling is a store whose Sessions are asked of the other Instances while it is away, and awaited where none of them knows. */
export const recalling = (
  store: SessionStore,
  recall: Recall,
  { retry, patience }: StoreGuard,
): SessionStore => ({
  ...store,
  find: (id) =>
    retry(
      () => store.find(id),
      patience.required,
      () => recall(id),
    ),
})
