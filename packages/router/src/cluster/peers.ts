import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Instance, InstanceId } from '@mcp-router/core'
import { discard, post } from '@mcp-router/upstream'
import type { HttpClient, HttpPosting } from '@mcp-router/upstream'
import type { Members } from './members.js'
import { sign } from './signature.js'
import { streamHeaders } from '../outlet/stream.js'
import type { EdgeResponse } from '../http/edge.js'

/** Where Instances keep a connection open to each other; Nginx lets nobody else pass. */
export const peersPath = '/internal/peers'

/** Peers notices at once that another Instance is gone, or drains: the connections between them end. */
export interface Peers {
  /** Asks every other Instance that lives, or `to`; those that do not answer 200 within `limitMs` are left out. */
  ask(
    method: Asking,
    target: string,
    limitMs?: number,
    to?: Instance,
  ): Promise<readonly PeerAnswer[]>
  /** Takes the connection that another Instance opens, and keeps it open. */
  accept(res: EdgeResponse): void
  /** Ends the connections with the others: they learn that this Instance drains, and connect again to hear of its end. */
  leave(): void
  /** Resolves whether another Instance lives that does not drain. */
  hasOthers(): Promise<boolean>
  close(): void
}

type Asking = 'GET' | 'POST' | 'PATCH' | 'DELETE'

export interface PeerAnswer {
  readonly from: Instance
  readonly body: Buffer
}

interface Deps {
  readonly client: HttpClient
  readonly members: Members
  readonly instance: InstanceId
  readonly secret: string
  /** Another Instance is gone, or drains. */
  readonly onLost: () => void
}

/** An Instance that takes longer is stopped, or as good as gone, ms. */
const patienceMs = 500

export const createPeers = ({ client, members, instance, secret, onLost }: Deps): Peers => {
  const links = new Map<InstanceId, HttpPosting>()
  const accepted = new Set<EdgeResponse>()
  let isClosed = false

  const others = async (): Promise<readonly Instance[]> =>
    (await members.all()).filter(({ id }) => id !== instance)

  const requestTo = (to: Instance, method: Asking, target: string) => {
    const signed = { method, target, principal: '', requestId: randomUUID(), body: undefined }
    const headers = sign(secret, { ...signed, hops: 1 })
    return { url: (to.back ?? to.address) + target, request: { method, headers } }
  }

  const connect = (to: Instance): void => {
    let isOpen = false
    const { url, request } = requestTo(to, 'GET', peersPath)
    const link = post(client, url, {
      ...request,
      taker(status) {
        isOpen = status === 200
        return undefined
      },
    })
    links.set(to.id, link)
    const ended = (): void => {
      if (links.get(to.id) === link) links.delete(to.id)
      if (isClosed || !isOpen) return
      members.forget(to.id)
      onLost()
      // One that drains is still there, at another address.
      discard(others().then(connectAll))
    }
    link.answer.then(ended, ended)
  }

  const connectAll = (all: readonly Instance[]): void => {
    if (isClosed) return
    for (const each of all) if (each.id !== instance && !links.has(each.id)) connect(each)
  }
  members.watch(connectAll)

  return {
    async ask(method, target, limitMs = patienceMs, to) {
      const over = wait(limitMs, undefined, { ref: false })
      const asked = (to ? [to] : await others()).map(async (each) => {
        const { url, request } = requestTo(each, method, target)
        const posting = post(client, url, request)
        const answer = await Promise.race([posting.answer.catch(() => undefined), over])
        if (!answer) posting.abort(new Error('it does not answer'))
        return answer?.status === 200 ? { from: each, body: answer.body } : undefined
      })
      return (await Promise.all(asked)).filter((answer) => answer !== undefined)
    },
    accept(res) {
      res.writeHead(200, [...streamHeaders])
      res.flushHeaders()
      accepted.add(res)
      res.on('close', () => {
        accepted.delete(res)
        if (isClosed) return
        // One that drains is still there, at another address.
        members.forget(instance)
        onLost()
      })
    },
    leave() {
      for (const res of accepted) res.end()
      // One that came before this Instance has not connected to it yet, or never will.
      for (const link of links.values()) link.abort(new Error('the instance drains'))
    },
    hasOthers() {
      // Who has come a moment ago counts.
      members.forget(instance)
      return others().then(
        (all) => all.some(({ back }) => back === undefined),
        () => false,
      )
    },
    close() {
      isClosed = true
      for (const res of accepted) res.end()
      for (const link of links.values()) {
        link.abort(new Error('the instance is shutting down'))
        discard(link.answer)
      }
    },
  }
}
