import type { Backend, CallEvent, InstanceId, RouterEvent, SessionId } from '@mcp-router/core'
import { listen } from '@mcp-router/gateway/listener'
import { createRouter } from '@mcp-router/router'
import type { RouterOptions, Router } from '@mcp-router/router'
import { createRegistry, createStoreGuard, memoryStore } from '@mcp-router/store'
import type { Store } from '@mcp-router/store'
import {
  createEras,
  createHttpClient,
  createLoopGuard,
  createSharedKeys,
  createTransports,
  createUpstreams,
} from '@mcp-router/upstream'
import { onTestFinished } from '../test/index.js'

export interface TestGateway {
  readonly url: string
  readonly router: Router
  readonly store: Store
  readonly events: readonly RouterEvent[]
  /** Sessions that the other Instances were told of. */
  readonly ended: readonly SessionId[]
  /** Sessions of which they were told that the client is asked. */
  readonly asked: readonly SessionId[]
  /** Backends of which they were told that a server was initialized anew. */
  readonly initialized: readonly string[]
  publish(...backends: Backend[]): void
  /** The events of calls that were answered so far, `method status outcome`. */
  calls(): readonly CallEvent[]
}

interface Setup {
  readonly backends?: readonly Backend[]
  /** Names of servers that are off. */
  readonly disabled?: readonly string[]
  /** What is wrong with the entries of servers, by name. */
  readonly problems?: ReadonlyMap<string, readonly string[]>
  readonly instance?: string
  /** Shared by the Instances of a cluster; closed with the test. */
  readonly store?: Store
  readonly options?: Partial<RouterOptions>
  /** How long the store is waited for. */
  readonly storeBudgetMs?: number
  readonly maxProcesses?: number
  readonly parkedMs?: number
  readonly leaseHeldSince?: () => number | undefined
  readonly returningMs?: number
  readonly maxResponseBytes?: number
}

const minute = 60_000

export const openStore = (clusterSecret = 'secret'): Store => {
  const store = memoryStore({ sessionTtlMs: minute, leaseMs: minute, clusterSecret })
  onTestFinished(() => store.close())
  return store
}

/** openGateway is a router behind a node:http server on a free port. The caller is whom `x-principal` names. */
export const openGateway = async (setup: Setup = {}): Promise<TestGateway> => {
  const { backends = [], store = openStore(), instance = 'router-instance-1', options } = setup
  const events: RouterEvent[] = []
  const ended: SessionId[] = []
  const asked: SessionId[] = []
  const initialized: string[] = []
  const sink = { emit: (event: RouterEvent) => void events.push(event) }
  const loops = createLoopGuard(await store.clusterSecret())
  const client = createHttpClient({
    connectTimeoutMs: 1_000,
    loops,
    ...(setup.maxResponseBytes && { maxResponseBytes: setup.maxResponseBytes }),
  })
  const transports = createTransports(client)
  const registry = createRegistry((endpoint) => transports.of(endpoint))
  transports.whenChanged(() => registry.refresh())
  const { problems = new Map(), disabled = [] } = setup
  registry.publish(backends, { problems, disabled })
  const keys = createSharedKeys(await store.clusterSecret())
  const eras = createEras({ client, env: process.env, shared: { eras: store.eras, keys } })
  const env = process.env
  const upstreams = createUpstreams({
    client,
    events: sink,
    env,
    eras,
    transports,
    idleMs: minute,
    openTimeoutMs: options?.openTimeoutMs ?? minute,
    maxProcesses: setup.maxProcesses ?? 256,
    maxLanes: 256,
    parkedMs: setup.parkedMs ?? 10_000,
    toolsTtlMs: minute,
  })
  registry.subscribe((snapshot) => upstreams.retain(snapshot.backends.values()))
  const guard = createStoreGuard(setup.storeBudgetMs ?? 5_000)
  onTestFinished(() => guard.close())
  const id = instance as InstanceId
  const router = createRouter({
    instance: id,
    registry,
    guard,
    sessions: store.sessions,
    membership: store.membership,
    callLog: store.callLog,
    orphans: store.orphans,
    generation: () => store.generation(),
    client,
    loops,
    ...upstreams,
    admission: { admit: (req) => ({ name: String(req.headers['x-principal'] ?? 'ada') }) },
    broadcast: {
      sessionEnded(session) {
        ended.push(session)
        return Promise.resolve()
      },
      sessionMoved: () => undefined,
      clientAsked: (session) => void asked.push(session),
      listChanged: () => undefined,
      serverInitialized: (backend) => void initialized.push(backend),
    },
    events: sink,
    clusterSecret: await store.clusterSecret(),
    leaseHeldSince: setup.leaseHeldSince ?? (() => 0),
    returningMs: setup.returningMs ?? 0,
    options: {
      maxBodyBytes: 1024 * 1024,
      sessionTtlMs: minute,
      touchMs: minute,
      keepAliveMs: minute,
      inputTtlMs: minute,
      endpointPatienceMs: 300,
      idleUpstreamMs: minute,
      openTimeoutMs: minute,
      maxSessions: 1_000,
      maxStdioSessions: 1_000,
      maxHandshakeBytes: 65_536,
      streamPatienceMs: 30_000,
      maxReplayBytes: 268_435_456,
      ...options,
    },
  })
  const limits = { requestHeadMs: minute, requestMs: minute, idleConnectionMs: minute }
  const listener = await listen('127.0.0.1', 0, limits, {
    serve: (req, res) => router.handle(req, res),
    otherwise: (_req, res) => res.writeHead(404).end('not of the data plane'),
  })
  const url = listener.address
  await store.membership.join({ id, address: url, pid: 1, startedAt: 1, sessions: 0 })
  onTestFinished(async () => {
    // Before it drains, which would wait a second for a client with a stream: those of tests answer no ping.
    await listener.close()
    await router.drain(0)
    await upstreams.close()
    await eras.close()
    await client.close()
  })
  return {
    url,
    router,
    store,
    events,
    ended,
    asked,
    initialized,
    publish: (...table) => void registry.publish(table),
    calls: () => events.filter((event) => event.kind === 'call'),
  }
}
