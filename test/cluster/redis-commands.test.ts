import { randomUUID } from 'node:crypto'
import { until } from '@mcp-router/testkit/wait'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { converse } from '../harness/conversation.js'
import type { Conversation } from '../harness/conversation.js'
import { post } from '../harness/http.js'
import { textOf, toolCall } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'
import { openLedgerEndpoint } from './ledger-endpoint.js'
import type { LedgerEndpoint } from './ledger-endpoint.js'
import { openLedger } from './ledger-server.js'

const ledger = openLedger()
let endpoint: LedgerEndpoint
beforeAll(async () => {
  endpoint = await openLedgerEndpoint(ledger, 'json')
})
afterAll(async () => {
  await endpoint.close()
  ledger.close()
})

// Round robin: every instance has its share of the calls.
const cluster = useCluster(() => ({ servers: { web: { url: endpoint.url } } }))
const calls = 50

/** Command is one as Redis got it: its name, then its arguments. */
type Command = readonly string[]

/** listen hears what Redis is asked from now on; what scripts do inside it is not counted. */
const listen = async (redis: Redis): Promise<() => Promise<readonly Command[]>> => {
  // Connected before it is listened to: that asks something, too.
  await redis.ping()
  const monitor = await redis.monitor()
  onTestFinished(() => monitor.disconnect())
  const heard: Command[] = []
  monitor.on('monitor', (_time: string, [name = '', ...args]: string[], source: string) => {
    if (source !== 'lua') heard.push([name.toLowerCase(), ...args])
  })
  return async () => {
    // All that was asked before this has been heard once this has.
    const mark = randomUUID()
    await redis.echo(mark)
    await until('the mark', () => heard.some((command) => command[1] === mark))
    return heard
  }
}

/** What instances ask whether or not there are calls: their leases, who else is there, and what they tell each other. */
const isIdle = ([name = '', ...args]: Command): boolean =>
  name === 'echo' ||
  name === 'ping' ||
  name === 'publish' ||
  args.some((arg) =>
    /^mcp:instances?\b|^mcp:generation$|^mcp:cluster:secret$|^mcp:servers|^mcp:registry/.test(arg),
  )

/** A touch, with the life that it renews, at most one in five seconds for each instance that has the session; `eval` is its first. */
const isTouch = ([name = '', ...args]: Command, session: string): boolean =>
  (/^eval(sha)?$/.test(name) && args.includes(`mcp:sessions:${session}`)) ||
  (name === 'pexpire' && args[0] === `{mcp:sessions:${session}}:life`)

const over = (session: string, all: readonly Command[]): readonly Command[] =>
  all.filter((command) => !isIdle(command) && !isTouch(command, session))

const askOften = async (client: Conversation, tool: string): Promise<void> => {
  for (let n = 0; n < calls; n++) textOf(await client.ask(toolCall(n, tool)))
}

/** Every instance has met the session and knows the tools before it counts. */
const warm = async ({ downstream, session }: Conversation): Promise<void> => {
  const path = downstream === 'call' ? '/mcp/router/route/web' : '/mcp/web'
  for (const instance of cluster().instances) {
    const named = { 'x-request-id': randomUUID(), ...cluster().asProxy() }
    const headers = { ...named, ...(session && { 'mcp-session-id': session }) }
    textOf((await post(instance + path, toolCall(0, 'read'), headers)).text)
  }
}

describe.each(['http', 'call'] as const)('what Redis is asked by %s', (downstream) => {
  const open = async (): Promise<Conversation> => {
    const client = await converse(downstream, { base: cluster().gateway, backend: 'web' })
    // Its session would be touched while the next one is listened to.
    onTestFinished(() => client.close())
    await warm(client)
    return client
  }

  it.each(['read', 'put'])('is nothing for a call that may run twice (%s)', async (tool) => {
    const client = await open()
    const heard = await listen(cluster().redis)
    await askOften(client, tool)
    expect(over(client.session, await heard())).toEqual([])
  })

  it('is one note, and one of its answer, for a call that may not', async () => {
    const client = await open()
    const heard = await listen(cluster().redis)
    await askOften(client, 'append')
    const asked = await until('the last answer to be noted', async () => {
      const all = over(client.session, await heard())
      return all.length >= 2 * calls && all
    })
    expect(asked).toHaveLength(2 * calls)
    const keysOf = (options: readonly string[]) =>
      asked
        .filter(([name, , , ...rest]) => name === 'set' && rest.join() === options.join())
        .map(([, key]) => key)
        .toSorted()
    const noted = keysOf(['PX', '300000', 'NX'])
    expect(noted).toHaveLength(calls)
    for (const key of noted) expect(key).toMatch(/^mcp:calls:[0-9a-f]{32}$/)
    expect(keysOf(['PX', '30000'])).toEqual(noted)
  })
})
