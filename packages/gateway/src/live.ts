import { setTimeout as wait } from 'node:timers/promises'
import { createAdapter } from '@socket.io/redis-adapter'
import type { BackendName, SessionId } from '@mcp-router/core'
import type { ListChange } from '@mcp-router/upstream'
import type { Cluster, Redis } from 'ioredis'
import { Server } from 'socket.io'

/** Live carries broadcasts between Instances, and later the operators' live feed. Messages of Sessions never travel here. */
export interface Live {
  /** Resolves once all others know, or after a moment, or `waitMs`. */
  sessionEnded(id: SessionId, waitMs?: number): Promise<void>
  sessionMoved(id: SessionId): void
  clientAsked(id: SessionId): void
  listChanged(backend: BackendName, change: ListChange): void
  serverInitialized(backend: BackendName): void
  close(): Promise<void>
}

interface LiveHooks {
  /** It is over, or lives on elsewhere: what is remembered of it here is to be forgotten. */
  readonly onSessionGone: (id: SessionId, isOver: boolean) => Promise<void>
  readonly onClientAsked: (id: SessionId) => void
  readonly onListChanged: (backend: BackendName, change: ListChange) => void
  readonly onServerInitialized: (backend: BackendName) => void
  readonly onError: (error: Error) => void
}

type Connect = (onError: (error: Error) => void) => Redis | Cluster

/** aloneLive is for a cluster of one: there is nobody to tell. */
export const aloneLive = (): Live => ({
  sessionEnded: () => Promise.resolve(),
  sessionMoved: () => undefined,
  clientAsked: () => undefined,
  listChanged: () => undefined,
  serverInitialized: () => undefined,
  close: () => Promise.resolve(),
})

/** How long the others may take to say that they know, ms. */
const patienceMs = 300

interface Broadcasts {
  sessionEnded: (id: string, known: () => void) => void
  sessionMoved: (id: string) => void
  clientAsked: (id: string) => void
  listChanged: (backend: string, change: string) => void
  serverInitialized: (backend: string) => void
}

/** openLive joins the broadcasts over Redis pub/sub. While Redis is away they are lost; the next touch of a Session finds out. */
export const openLive = (connect: Connect, hooks: LiveHooks): Live => {
  const publisher = connect(hooks.onError)
  const subscriber = connect(hooks.onError)
  const io = new Server<Record<string, never>, Record<string, never>, Broadcasts>()
  io.adapter(createAdapter(publisher, subscriber, { key: 'mcp:live' }))
  io.on('sessionEnded', (id: string, known: () => void) => {
    void hooks.onSessionGone(id as SessionId, true).finally(known)
  })
  io.on('sessionMoved', (id: string) => void hooks.onSessionGone(id as SessionId, false))
  io.on('clientAsked', (id: string) => hooks.onClientAsked(id as SessionId))
  io.on('listChanged', (backend: string, change: string) => {
    // As another Instance sent them.
    hooks.onListChanged(backend as BackendName, change as ListChange)
  })
  io.on('serverInitialized', (backend: string) => hooks.onServerInitialized(backend as BackendName))
  return {
    listChanged: (backend, change) => void io.serverSideEmit('listChanged', backend, change),
    serverInitialized: (backend) => void io.serverSideEmit('serverInitialized', backend),
    async sessionEnded(id, waitMs = patienceMs) {
      const acknowledged = io.serverSideEmitWithAck('sessionEnded', id).then(
        () => undefined,
        () => undefined,
      )
      await Promise.race([acknowledged, wait(waitMs, undefined, { ref: false })])
    },
    clientAsked: (id) => void io.serverSideEmit('clientAsked', id),
    sessionMoved: (id) => void io.serverSideEmit('sessionMoved', id),
    close() {
      // Not io.close(): it ends the HTTP server, and this one has none.
      publisher.disconnect()
      subscriber.disconnect()
      return Promise.resolve()
    },
  }
}
