import { reasonOf } from '@mcp-router/core'
import { Failure } from '../failure.js'
import { ask, bearer, shownBody } from '../http.js'
import { askRedis, isSingleRedis } from '../redis.js'
import { say } from '../terminal.js'
import { firstEvent } from './event-stream.js'
import { rpc, sessionHeader } from './rpc.js'

/** Target is the cluster that is looked at. */
export interface Target {
  /** Nginx. */
  readonly base: string
  /** `http://host:port` of each Instance. */
  readonly instances: readonly string[]
  readonly redisUrl: string
  readonly backend: string
  readonly token: string | undefined
}

const clientInfo = { name: 'verify-session', version: '1' }
const initialize = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo }

/** Verdict tells where to look: the cluster is well and the server is not, or something of the cluster is wrong. */
export type Verdict = 'well' | 'server' | 'cluster'

/** verify goes the ways of a client through the whole cluster, and tells of each. */
export const verify = async (target: Target): Promise<Verdict> => {
  const { base, instances, backend, token } = target
  const ofCluster = [await check('Redis answers', () => redisAnswers(target))]
  for (const instance of instances)
    ofCluster.push(await check(`instance ${instance} is ready`, () => ready(instance)))
  const ofServer = [
    await check('SSE through Nginx gives an endpoint event', async () => {
      const event = await firstEvent(`${base}/sse/${backend}`, token)
      if (!/^event: ?endpoint\r?$/m.test(event))
        throw new Failure(`it gives ${shownBody(event.trim())}`)
    }),
    await check(`the route to ${backend} answers`, async () => {
      const url = `${base}/mcp/router/route/${backend}`
      const answer = await rpc({ url, token, id: 1, method: 'tools/list' })
      if (answer.result === undefined)
        throw new Failure(`${answer.status}: ${shownBody(answer.body)}`)
    }),
  ]
  const { opened, results } = await verifySession(target)
  ofServer.push(opened)
  if (![...ofCluster, ...ofServer, ...results].includes(false)) return 'well'
  const isClusterWell = !ofCluster.includes(false) && (await isHealthy(base))
  return isClusterWell && ofServer.includes(false) ? 'server' : 'cluster'
}

/** Where Nginx reaches an Instance, what fails behind it is no fault of theirs. */
const isHealthy = async (base: string): Promise<boolean> => {
  const answer = await ask(`${base}/health`)
  return !('failed' in answer) && answer.status === 200
}

interface SessionChecks {
  readonly opened: boolean
  /** What was checked with it. */
  readonly results: readonly boolean[]
}

const verifySession = async (target: Target): Promise<SessionChecks> => {
  const { instances, backend, token } = target
  const [first = '', ...others] = instances.map((instance) => `${instance}/mcp/${backend}`)
  let session = ''
  const opened = await check(`a session is opened at ${first}`, async () => {
    const answer = await rpc({ url: first, token, id: 1, method: 'initialize', params: initialize })
    if (answer.session === undefined)
      throw new Failure(`${answer.status}: ${shownBody(answer.body)}`)
    session = answer.session
    await rpc({ url: first, token, session, method: 'notifications/initialized' })
    return session
  })
  if (!opened) return { opened, results: [] }
  const results = [
    await check(`Redis lists mcp:sessions:${session}`, () => isListed(target, session)),
  ]
  for (const url of others)
    results.push(await check(`the session works at ${url}`, () => lists(url, token, session)))
  const last = others.at(-1) ?? first
  results.push(
    await check('DELETE ends the session everywhere', async () => {
      const headers = { ...bearer(token), ...sessionHeader(session) }
      const deleted = await ask(first, { method: 'DELETE', headers })
      if ('failed' in deleted) throw new Failure(deleted.failed)
      if (deleted.status >= 300) throw new Failure(`DELETE answers ${deleted.status}`)
      const after = await rpc({ url: last, token, session, id: 3, method: 'tools/list' })
      if (after.status !== 404) throw new Failure(`afterwards ${last} answers ${after.status}`)
    }),
  )
  return { opened, results }
}

const check = async (what: string, work: () => Promise<unknown>): Promise<boolean> => {
  try {
    const detail = await work()
    say(`ok      ${what}${typeof detail === 'string' ? ` (${detail})` : ''}`)
    return true
  } catch (error) {
    say(`FAILED  ${what}: ${reasonOf(error)}`)
    return false
  }
}

const redisAnswers = async ({ redisUrl }: Target): Promise<string | undefined> => {
  if (!isSingleRedis(redisUrl)) return 'not asked: Sentinel or Redis Cluster'
  const answer = await askRedis(redisUrl, ['PING'])
  if ('failed' in answer) throw new Failure(answer.failed)
  return undefined
}

const ready = async (instance: string): Promise<void> => {
  const answer = await ask(`${instance}/ready`)
  if ('failed' in answer) throw new Failure(answer.failed)
  if (answer.status !== 200)
    throw new Failure(`/ready answers ${answer.status}: ${shownBody(answer.body)}`)
}

const isListed = async ({ redisUrl }: Target, session: string): Promise<string> => {
  if (!isSingleRedis(redisUrl)) return 'not asked: Sentinel or Redis Cluster'
  const answer = await askRedis(redisUrl, ['PTTL', `mcp:sessions:${session}`])
  if ('failed' in answer) throw new Failure(answer.failed)
  if (answer.value === -2) throw new Failure('there is no such key')
  if (answer.value === -1) throw new Failure('the key has no TTL')
  return `expires in ${Math.round(Number(answer.value) / 1000)} s`
}

const lists = async (url: string, token: string | undefined, session: string): Promise<void> => {
  const answer = await rpc({ url, token, session, id: 2, method: 'tools/list' })
  if (answer.result === undefined) throw new Failure(`${answer.status}: ${shownBody(answer.body)}`)
}
