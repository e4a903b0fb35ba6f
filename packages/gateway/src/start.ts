import { randomUUID } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { createAdmission, createCors } from '@mcp-router/access'
import { processEnv, type GatewayConfig } from '@mcp-router/config'
import { besideOf, fileProvider } from '@mcp-router/control'
import { createSessionHash, reasonOf, secretDigestOf } from '@mcp-router/core'
import type { Instance } from '@mcp-router/core'
import { createObserver } from '@mcp-router/observe'
import { createRouter } from '@mcp-router/router'
import type { Router } from '@mcp-router/router'
import {
  connectBroadcast,
  createRegistry,
  createStoreGuard,
  memoryStore,
  redisStore,
} from '@mcp-router/store'
import {
  createEras,
  createHttpClient,
  createLoopGuard,
  createReserve,
  createSharedKeys,
  createTransports,
  createUpstreams,
  endRecordedChildren,
  recordChildrenIn,
} from '@mcp-router/upstream'
import type { StoreChange } from '@mcp-router/store'
import type { Upstreams } from '@mcp-router/upstream'
import { advertisedAddress, warnAdvertised } from './advertised.js'
import { explain } from './explain.js'
import { notingErrors } from './last-errors.js'
import { takeLease, type Lease } from './lease.js'
import { listen, type Listener } from './listener/listener.js'
import { aloneLive, openLive } from './live.js'
import { notingLives } from './lives.js'
import { requireSameSecret } from './same-secret.js'
import { rareFaults } from './rare-faults.js'
import { statusOf, type Phase } from './status.js'
import { createSurface } from './surface.js'
import { startTrim } from './trim.js'
import { reportUnreachable } from './report-unreachable.js'
import { warnServers } from './warn-servers.js'
import { warmUp } from './warm.js'

/** Gateway is one composed router process. */
export interface Gateway {
  /** `http://host:port` */
  readonly address: string
  /** Drains, lets the lease go, and closes everything that was opened. Idempotent. */
  close(): Promise<void>
}

/**
 * startGateway builds the graph, bottom up, and starts it in order: store, data plane, port, lease. What was opened is closed again when a
 * later step fails. It rejects with an Error whose message is fit to print.
 */
export const startGateway = async (config: GatewayConfig): Promise<Gateway> => {
  const opened: (() => Promise<void> | void)[] = []
  const unwind = async (): Promise<void> => {
    const failed: unknown[] = []
    for (const close of opened.splice(0).reverse()) {
      // One that fails must not keep the others open.
      await Promise.resolve()
        .then(close)
        .catch((error: unknown) => failed.push(error))
    }
    if (failed.length > 0) throw new Error(`closing: ${failed.map(reasonOf).join('; ')}`)
  }
  try {
    return await compose(config, opened, unwind)
  } catch (error) {
    await unwind().catch(() => undefined)
    throw error
  }
}

/** Clients whose Instances are all gone ask again every few seconds, ms. */
const returningMs = 15_000

const compose = async (
  config: GatewayConfig,
  opened: (() => Promise<void> | void)[],
  unwind: () => Promise<void>,
): Promise<Gateway> => {
  // Young garbage is little and short-lived here: helper threads cost more CPU to wake than they save.
  setFlagsFromString('--no-parallel-scavenge')
  const startedAt = Date.now()
  const env = processEnv()
  const life: {
    phase: Phase
    /** By a key of its own until that of the cluster is known. */
    nameSession: (id: string) => string
    router?: Router
    upstreams?: Upstreams
    lease?: Lease
  } = { phase: 'starting', nameSession: createSessionHash(randomUUID()) }

  const observer = createObserver({
    instance: config.instance,
    level: config.logLevel,
    file: config.logFile,
    nameSession: (id) => life.nameSession(id),
  })
  const { log } = observer
  opened.push(() => observer.close())
  const onFault = (doing: string) => (error: unknown) => {
    log.warn(`${doing}: ${reasonOf(error)}`)
  }

  const options = {
    sessionTtlMs: config.sessionTtlMs,
    leaseMs: config.leaseMs,
    onChange: (change: StoreChange) => observer.emit({ kind: 'store', ...change }),
    ...(config.clusterSecret && { clusterSecret: config.clusterSecret }),
  }
  const { redisUrl } = config
  const store = redisUrl ? redisStore(redisUrl, options) : memoryStore(options)
  opened.push(() => store.close())
  const whereIsRedis = reportUnreachable(redisUrl, store)
  const guard = createStoreGuard(config.storePatienceMs)
  opened.push(() => guard.close())
  const clusterSecret = await guard
    .retry(() => store.clusterSecret(), guard.patience.required)
    .catch(whereIsRedis)
  life.nameSession = createSessionHash(clusterSecret)
  const secretDigest = secretDigestOf(clusterSecret)
  const sharing = { membership: store.membership, secretDigest, guard }
  // Before it listens: it must not take over the sessions of live instances.
  await requireSameSecret({ ...sharing, self: { id: config.instance } }).catch(whereIsRedis)

  const live = redisUrl
    ? openLive((onError) => connectBroadcast(redisUrl, onError), {
        onClientAsked: (id) => life.router?.clientAsked(id),
        onSessionGone: async (id, isOver) => life.router?.forget(id, isOver),
        onListChanged: (backend, change) => life.upstreams?.changes.publish(backend, change),
        onServerInitialized: (backend) => life.upstreams?.catalog.forget(backend),
        onError: rareFaults(onFault('broadcasting')),
      })
    : aloneLive()
  opened.push(() => live.close())

  const reserve = createReserve()
  opened.push(() => reserve.close())
  const loops = createLoopGuard(clusterSecret)
  const client = createHttpClient({ ...config, reserve, loops })
  opened.push(() => client.close())
  const transports = createTransports(client)

  const registry = createRegistry((endpoint) => transports.of(endpoint))
  transports.whenChanged(() => registry.refresh())
  const isServed = (name: string): boolean =>
    [...registry.snapshot().backends.keys()].some((each) => each === name)
  registry.publish(config.backends, besideOf(config))
  warnAdvertised(log, config)
  warnServers(log, config, isServed)
  const provider = fileProvider({
    ...{ path: config.serversFile, envFiles: config.envFiles },
    env,
    registry,
    strict: config.strict,
    onChange(file) {
      log.info('servers file reloaded', { backends: file.backends.length })
      warnServers(log, file, isServed)
    },
    onError: onFault('reloading the servers file failed; the previous configuration stays active'),
  })
  opened.push(() => provider.close())

  const { childrenDir } = config
  const left = childrenDir === undefined ? [] : endRecordedChildren(childrenDir)
  if (left.length > 0) log.warn('ended stdio servers of a killed instance', { pids: left })
  recordChildrenIn(childrenDir)

  const keys = createSharedKeys(clusterSecret)
  const eras = createEras({
    client,
    env,
    openTimeoutMs: config.openTimeoutMs,
    shared: { eras: store.eras, keys },
  })
  opened.push(() => eras.close())
  const lastErrors = notingErrors(observer)
  const upstreams = createUpstreams({
    client,
    events: lastErrors,
    env,
    eras,
    transports,
    idleMs: config.idleUpstreamMs,
    openTimeoutMs: config.openTimeoutMs,
    maxProcesses: config.maxProcesses,
    maxLanes: config.maxLanes,
    parkedMs: config.parkedMs,
    toolsTtlMs: config.toolsTtlMs,
  })
  opened.push(() => upstreams.close())
  life.upstreams = upstreams
  opened.push(registry.subscribe(({ backends }) => upstreams.retain(backends.values())))

  const admission = createAdmission(config)
  const router = createRouter({
    instance: config.instance,
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
    admission,
    broadcast: live,
    events: notingLives(lastErrors, store.lives, config.instance),
    clusterSecret,
    leaseHeldSince: () => (life.lease ? life.lease.heldSince() : 0),
    returningMs,
    options: config,
  })
  life.router = router

  const surface = createSurface({
    admission,
    metrics: observer.metrics,
    sessions: () => router.sessions(),
    phase: () => life.phase,
    storeHealth: () => store.health(),
    status: () =>
      statusOf({
        ...{ config, store, registry, router, lastErrors, self },
        phase: () => life.phase,
      }),
    explain: (id, principal) => explain({ store, ttlMs: config.sessionTtlMs }, id, principal),
    onError: (error) => log.error(`answering: ${reasonOf(error)}`),
  })
  const cors = createCors(config.allowedOrigins)
  const listener = await listen(config.host, config.port, config, {
    serve: (req, res) => cors(req, res) || router.handle(req, res),
    otherwise: surface,
  })
  opened.push(() => listener.close())

  let back: Listener | undefined
  const self = (): Instance => ({
    id: config.instance,
    address: advertisedAddress(config, listener.address),
    pid: process.pid,
    startedAt,
    sessions: [...router.sessions().values()].reduce((sum, each) => sum + each, 0),
    ...(back && { back: advertisedAddress(config, back.address) }),
    secretDigest,
  })
  const lease = await takeLease({
    membership: store.membership,
    self,
    renewMs: config.leaseRenewMs,
    leaseMs: config.leaseMs,
    guard,
    onError: onFault('renewing the lease'),
    onRegained: () => void router.revalidate(),
  }).catch(whereIsRedis)
  opened.push(() => lease.close())
  life.lease = lease
  // Another cluster may have been started in the same moment.
  await requireSameSecret({ ...sharing, self: self() }).catch(whereIsRedis)

  opened.push(async () => {
    life.phase = 'draining'
    log.info('draining', { calls: router.calls(), limitMs: config.drainMs })
    router.linger()
    // What calls under way still need comes there, once the port is closed.
    const opening = listen(config.host, 0, config, {
      serve: (req, res) => router.handleBack(req, res),
      otherwise: (_req, res) => res.writeHead(404).end(),
    })
    // Without it the rest is drained all the same.
    await opening.then((opened) => (back = opened), onFault('opening the drain listener'))
    await lease.publish()
    // Until the peers have gone elsewhere, everything is served as ever.
    await listener.refuse()
    await router.drain(config.drainMs)
    // Who sends there meanwhile is told that nothing was taken: a connection that is cut leaves that open.
    await back?.refuse()
    await back?.close()
  })
  const trim = startTrim({ activity: () => router.begun() })
  opened.push(() => trim.close())
  await warmUp().catch(onFault('warming up'))
  life.phase = 'ready'
  log.info('ready', { address: listener.address, backends: config.backends.length })

  let closing: Promise<void> | undefined
  return {
    address: listener.address,
    close: () => (closing ??= unwind()),
  }
}
