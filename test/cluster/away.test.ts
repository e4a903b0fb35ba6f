import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { isAlive, processAt } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { stdioCommand } from '../conformance/fixture.js'
import { killMember, memberAt, membersAreBack, ownerOf } from '../harness/owner.js'
import type { Member } from '../harness/owner.js'
import { textOf } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'
import { openAskingEndpoint } from './asking-endpoint.js'
import type { AskingEndpoint } from './asking-endpoint.js'

const endpoints = new Map<string, AskingEndpoint>()
beforeAll(async () => {
  for (const answers of ['json', 'events'] as const)
    endpoints.set(answers, await openAskingEndpoint(answers))
})
afterAll(async () => {
  for (const endpoint of endpoints.values()) await endpoint.close()
})

const cluster = useCluster(() => ({
  servers: {
    command: stdioCommand('stdio-legacy'),
    ...Object.fromEntries([...endpoints].map(([name, { url }]) => [name, { url }])),
  },
}))

afterEach(async () => {
  await cluster().restart()
  await membersAreBack(cluster())
})

const suffixOf = (port: number | string): string =>
  `:${Number(port).toString(16).toUpperCase().padStart(4, '0')}`

/** isFrom tells that a process has the connection from this local port to an endpoint: the same port may lead elsewhere, too. */
const isFrom = (pid: number, port: number, { url }: AskingEndpoint): boolean => {
  const [local, remote] = [suffixOf(port), suffixOf(new URL(url).port)]
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)
  const inode = rows
    .map((row) => row.trim().split(/\s+/))
    .find((row) => row[1]?.endsWith(local) && row[2]?.endsWith(remote))?.[9]
  const files = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      // Closed meanwhile.
      return ''
    }
  })
  return inode !== undefined && files.includes(`socket:[${inode}]`)
}

/** carrierOf is the instance that has the only stream of a session which is open at its endpoint. */
const carrierOf = (endpoint: AskingEndpoint, session: string): Promise<Member> => {
  const only = (): Member | undefined => {
    const [port, ...others] = endpoint.streamPorts(session)
    if (port === undefined || others.length > 0) return undefined
    return [0, 1, 2]
      .map((at) => memberAt(cluster(), at))
      .find(({ pid }) => isFrom(pid, port, endpoint))
  }
  return until('the stream', only)
}

/** connect connects the official client, whose user answers each question with the number in it. */
const connect = async (transport: Transport, arguments_: (n: number, waitMs: number) => Call) => {
  const client = new Client(
    { name: 'proof', version: '1.0.0' },
    { capabilities: { elicitation: { form: {} } } },
  )
  onTestFinished(() => client.close())
  const asked: string[] = []
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    asked.push(params.message)
    const name = `user ${params.message}`
    return { action: 'accept', content: { name, username: name, email: 'ada@example.org' } }
  })
  await client.connect(transport)
  const call = async (n: number, waitMs = 0): Promise<string> => {
    const options = { timeout: 8_000 }
    const result = await client.callTool(arguments_(n, waitMs), undefined, options)
    return textOf(JSON.stringify({ result }))
  }
  return { asked, call }
}

interface Call {
  readonly name: string
  readonly arguments: Record<string, unknown>
}

const askCall = (n: number, waitMs: number): Call => ({ name: 'ask', arguments: { n, waitMs } })

/** open connects over Streamable HTTP; `posts` may send its messages elsewhere. */
const open = async (name: string, call = askCall) => {
  const to: { posts: string | undefined } = { posts: undefined }
  const transport = new StreamableHTTPClientTransport(new URL(`${cluster().gateway}/mcp/${name}`), {
    fetch: (url, init) =>
      fetch(init?.method === 'POST' && to.posts ? `${to.posts}/mcp/${name}` : url, init),
  })
  const session = () => Promise.resolve(transport.sessionId ?? '')
  return { ...(await connect(transport, call)), to, session }
}

/** When calls are begun, counted from the fault, ms: the client comes back with its stream after 1 s. */
const begunMs = [0, 30, 150, 400, 700, 950, 1_300]

describe.each(['SIGKILL', 'SIGTERM'] as const)('a client whose stream is cut by %s', (signal) => {
  it.each([
    ['json', 1],
    ['json', 2],
    ['events', 1],
  ])('is asked, once, by each call of the next second (%s, round %i)', async (name) => {
    const endpoint = endpoints.get(name)!
    const { asked, call, to, session } = await open(name)
    const key = `mcp:sessions:${await session()}`
    // An instance may still listen in place of a client of the test before this one.
    const there = (await cluster().redis.hget(key, 'backendSessionId')) ?? ''
    const carrier = await carrierOf(endpoint, there)
    expect(await call(0)).toBe('user 0')
    // One that is under way at another instance, and asks when the stream is gone.
    to.posts = cluster().instances.find((url) => url !== carrier.url)
    const underway = call(99, 400)
    await wait(100)
    to.posts = undefined
    const leaving = processAt(carrier.pid)
    if (signal === 'SIGKILL') await killMember(carrier)
    else process.kill(carrier.pid, signal)
    const calls = begunMs.map(async (ms, at) => {
      await wait(ms)
      return call(at + 1)
    })
    const answers = await Promise.allSettled([underway, ...calls])
    const numbers = [99, ...begunMs.map((_, at) => at + 1)]
    expect(
      answers.map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason))),
    ).toEqual(numbers.map((n) => `user ${n}`))
    expect(asked.map(Number).toSorted((a, b) => a - b)).toEqual([
      0,
      ...numbers.toSorted((a, b) => a - b),
    ])
    // … and has its own stream again.
    await until('its stream', () => endpoint.streamPorts(there).length === 1)
    expect(await call(50)).toBe('user 50')
    // It is started again only then.
    await until('the end of the instance', () => !leaving || !isAlive(leaving))
  })
})

describe('a client whose session has an owner, which is killed', () => {
  /** The only session of a client of 2024-11-05. */
  const sseSession = async (): Promise<string> => {
    const { redis } = cluster()
    const keys = await redis.keys('mcp:sessions:*')
    const types = await Promise.all(keys.map((key) => redis.hget(key, 'transportType')))
    const [only = ''] = keys.filter((_, at) => types[at] === 'SSE')
    return only.slice('mcp:sessions:'.length)
  }
  const overSse = async () => {
    const address = new URL(`${cluster().gateway}/sse/json?clientId=ada`)
    return { ...(await connect(new SSEClientTransport(address), askCall)), session: sseSession }
  }
  const toCommand = () =>
    open('command', (n) => ({ name: 'test_elicitation', arguments: { message: String(n) } }))

  it.each([
    ['of 2024-11-05, at an http server', overSse],
    ['of Streamable HTTP, at a command', toCommand],
  ])('is asked, once, by each call of the next second (%s)', async (_, begin) => {
    const { asked, call, session } = await begin()
    expect(await call(0)).toContain('user 0')
    await killMember(await ownerOf(cluster(), await session()))
    const calls = begunMs.map(async (ms, at) => {
      await wait(ms)
      return call(at + 1)
    })
    const answers = await Promise.allSettled(calls)
    expect(
      answers.map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason))),
    ).toEqual(begunMs.map((__, at) => expect.stringContaining(`user ${at + 1}`)))
    expect(asked.map(Number).toSorted((a, b) => a - b)).toEqual([
      0,
      ...begunMs.map((__, at) => at + 1),
    ])
  })
})
