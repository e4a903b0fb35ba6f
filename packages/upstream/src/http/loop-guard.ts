import { AsyncLocalStorage } from 'node:async_hooks'
import { createHmac } from 'node:crypto'
import { RouterError } from '@mcp-router/core'

/** RFC 8586. */
export const loopHeader = 'cdn-loop'

/** So many routers may pass a request on, one to the next. */
const maxRouters = 8

/** LoopGuard refuses a request that this cluster has sent itself, directly or through other routers. */
export interface LoopGuard {
  /** The entry of this cluster in the CDN-Loop of all that it sends: the same for all its Instances. */
  readonly marker: string
  /** The other routers that passed a request on. It throws LOOP_DETECTED where this cluster is among them, or they are too many. */
  admit(header: string, path: string): string
  /** The same for a request that another Instance of this cluster hands off. */
  others(header: string): string
  /** Serves a request that these routers passed on: they are named in all that is sent for it. */
  within(routers: string, serve: () => void): void
  /** The routers that passed on the request that is being served; undefined: a client sent it, or nobody. */
  routers(): string | undefined
  /** Sends outside of that request: a connection outlives the one that it is opened for, and must not belong to its context. */
  outside(send: () => void): void
}

/**
 * createLoopGuard keeps the routers of a request in its asynchronous context: what a request makes the router send goes through pools,
 * lanes and handshakes that know nothing of it. Until another router sends something, no context is kept at all.
 */
export const createLoopGuard = (clusterSecret: string): LoopGuard => {
  const id = createHmac('sha256', clusterSecret).update('CDN-Loop').digest('hex').slice(0, 16)
  const marker = `mcp-router;id=${id}`
  const serving = new AsyncLocalStorage<string | undefined>()
  const othersIn = (routers: readonly string[]): string =>
    routers.filter((each) => each !== marker).join(', ')

  return {
    marker,
    admit(header, path) {
      const routers = routersIn(header)
      if (routers.includes(marker)) throw loop(path, 'it was sent by this router itself')
      if (routers.length > maxRouters) throw loop(path, `more than ${maxRouters} routers sent it`)
      return othersIn(routers)
    },
    others: (header) => othersIn(routersIn(header)),
    within: (routers, serve) => serving.run(routers, serve),
    routers: () => serving.getStore(),
    outside: (send) => serving.run(undefined, send),
  }
}

const shape = /^mcp-router;id=[0-9a-f]{16}$/

/** Entries of others than routers concern the connection to this one: they are not passed on. */
const routersIn = (header: string): string[] =>
  header
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => shape.test(entry))

const loop = (path: string, reason: string): RouterError =>
  new RouterError('LOOP_DETECTED', { at: path.split('?', 1)[0]?.slice(0, 200) ?? '', reason })
