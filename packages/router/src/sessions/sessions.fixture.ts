import { newSessionId } from '@mcp-router/core'
import type { EventSink, InstanceId, Session } from '@mcp-router/core'
import { createRegistry, createStoreGuard, memoryStore } from '@mcp-router/store'
import type { SessionStore } from '@mcp-router/store'
import { backendOf, httpEndpoint, nodeEndpoint } from '@mcp-router/testkit/backend'
import { createSharedKeys } from '@mcp-router/upstream'
import { onTestFinished, vi } from 'vitest'
import { LiveSession } from '../path/owned/live.js'
import { Replays } from '../streams/replays.js'
import { createSessions } from './sessions.js'

export const touchMs = 5_000
export const sessionTtlMs = 60_000
export const ada = { name: 'ada' }
export const endpoint = httpEndpoint('http://127.0.0.1:1/mcp')
export const command = nodeEndpoint('')
export const keys = createSharedKeys('secret')

export const aSession = (change: Partial<Session> = {}): Session => ({
  id: newSessionId(),
  backend: 'weather' as Session['backend'],
  principal: 'ada',
  downstream: 'http',
  instance: 'router-instance-1' as InstanceId,
  epoch: 0,
  endpoint: endpoint.id,
  place: keys.place(endpoint),
  backendSessionId: 's-1',
  revision: '2025-06-18',
  initialize: '',
  loggingLevel: '',
  subscriptions: [],
  lastActive: 0,
  ...change,
})

/** openSessions is the Sessions of an Instance over a store in memory; timers are the test's. */
export const openSessions = () => {
  const another = () => memoryStore({ sessionTtlMs, leaseMs: sessionTtlMs })
  let inner = another()
  // What stands behind it can be exchanged, as the data of a Redis that lost them.
  const store = { sessions: throughTo(() => inner.sessions) }
  const registry = createRegistry()
  registry.publish([backendOf('weather', [endpoint, command])])
  const emit = vi.fn<EventSink['emit']>()
  const sessionEnded = vi.fn(() => Promise.resolve())
  const generation = { now: 'first' }
  const touch = vi.spyOn(store.sessions, 'touch')
  const find = vi.spyOn(store.sessions, 'find')
  const start = (instance: string) => {
    const sessions = createSessions({
      store: store.sessions,
      guard: createStoreGuard(5_000),
      registry,
      keys,
      onRebound: vi.fn(),
      onMended: () => undefined,
      onMoved: () => undefined,
      onLoaded: () => undefined,
      broadcast: {
        sessionEnded,
        sessionMoved: vi.fn(),
        clientAsked: vi.fn(),
        listChanged: vi.fn(),
        serverInitialized: vi.fn(),
      },
      events: { emit },
      instance: instance as InstanceId,
      onRest: () => undefined,
      onOver: () => undefined,
      generation: () => Promise.resolve(generation.now),
      options: {
        sessionTtlMs,
        touchMs,
        idleUpstreamMs: sessionTtlMs,
        maxSessions: 1_000,
        maxStdioSessions: 1_000,
      },
    })
    onTestFinished(() => sessions.close())
    return sessions
  }
  const sessions = start('router-instance-1')
  const touched = () => touch.mock.calls.flatMap(([touches]) => touches.map(({ id }) => id))
  const told = () => emit.mock.calls.flatMap(([event]) => ('action' in event ? [event.action] : []))
  const periods = (count: number) => vi.advanceTimersByTimeAsync(count * touchMs)
  /** The records expire, whatever the time is here. */
  const expire = () => {
    inner = another()
  }
  /** Another store, as it were, that knows nothing. */
  const empty = () => {
    generation.now = 'second'
    expire()
  }
  return {
    start,
    expire,
    store,
    sessions,
    sessionEnded,
    touch,
    find,
    touched,
    told,
    periods,
    empty,
  }
}

/** throughTo is the store that `target` names at each call. */
const throughTo = (target: () => SessionStore): SessionStore => ({
  create: (...args) => target().create(...args),
  restore: (...args) => target().restore(...args),
  find: (...args) => target().find(...args),
  update: (...args) => target().update(...args),
  touch: (...args) => target().touch(...args),
  claim: (...args) => target().claim(...args),
  delete: (...args) => target().delete(...args),
  list: () => target().list(),
})

const none = (): void => undefined

/** The limits of a live part that has none. */
export const noLimits = {
  deadlines: { add: none, remove: none, close: none },
  deadlineMs: () => Infinity,
  inputTtlMs: Infinity,
}

/** A live part whose end can be seen. */
export const aLive = () => {
  const hooks = {
    onLost: () => undefined,
    onMissing: () => Promise.resolve(),
    onForgotten: () => Promise.resolve(),
    repeats: () => () => undefined,
    onDelivered: () => undefined,
    onUndelivered: () => undefined,
    onAgreed: () => undefined,
  }
  const live = new LiveSession('local', hooks, new Replays(), noLimits)
  return { live, isClosed: () => live.isOver() }
}
