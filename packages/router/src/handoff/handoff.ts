import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Instance, InstanceId, Principal, Session } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { wasNeverSent } from '@mcp-router/upstream'
import type { HttpClient } from '@mcp-router/upstream'
import type { Incoming } from '../incoming.js'
import type { KeepAlive } from '../keep-alive.js'
import { Relay } from '../relay.js'
import type { Members } from './members.js'

/** Requests between Instances have this path before their own; Nginx lets it pass from nobody. */
export const handoffPrefix = '/internal/handoff'

const secretHeader = 'x-mcp-router-secret'
const principalHeader = 'x-mcp-router-principal'

/** What the owner needs of the client's headers; credentials stay here, the Principal goes instead. */
const passed = [
  'content-type',
  'accept',
  'mcp-session-id',
  'mcp-protocol-version',
  'last-event-id',
  'host',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-prefix',
] as const

/** Headers that mirror a modern body go along as they came, repeated ones too: the owner checks them again. */
const mirroring = /^mcp-(?:method|name|param-)/

/** Handoff passes a request to the Instance that owns its Session and its answer back. */
export interface Handoff {
  /** `body` is the body already read, undefined for GET and DELETE. */
  pass(incoming: Incoming, session: Session, body: Buffer | undefined): Promise<void>
  /** The Instance of this id, if it lives. */
  find(id: string): Promise<Instance | undefined>
  /** The Instance that a key belongs to; undefined while nobody knows who lives. */
  home(key: string): Promise<Instance | undefined>
  /** Passes a request to that Instance; `otherwise` takes it where it cannot be reached. */
  passTo(
    incoming: Incoming,
    owner: Instance,
    body: Buffer | undefined,
    otherwise?: () => void,
  ): void
  /** The Principal of a request that came from another Instance; undefined where the cluster secret is wrong. */
  admit(req: IncomingMessage): Principal | undefined
}

interface Deps {
  readonly client: HttpClient
  readonly members: Members
  readonly keep: KeepAlive
  readonly secret: string
}

export const createHandoff = ({ client, members, keep, secret }: Deps): Handoff => {
  const digest = createHash('sha256').update(secret).digest()
  const passTo: Handoff['passTo'] = (incoming, owner, body, otherwise) => {
    const { req } = incoming
    const headers = [secretHeader, secret, principalHeader, incoming.principal.name]
    headers.push('x-request-id', incoming.requestId)
    for (const name of passed) {
      const value = req.headers[name]
      if (typeof value === 'string') headers.push(name, value)
    }
    const { rawHeaders } = req
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = rawHeaders[at]?.toLowerCase() ?? ''
      if (mirroring.test(name)) headers.push(name, rawHeaders[at + 1] ?? '')
    }
    const method = req.method === 'GET' || req.method === 'DELETE' ? req.method : 'POST'
    const url = owner.address + handoffPrefix + pathOf(req)
    const relay = new Relay(incoming, keep, {
      onFailed(error) {
        members.forget(owner.id)
        if (!otherwise || !wasNeverSent(error)) return false
        relay.letGo()
        otherwise()
        return true
      },
      onStatus: () => incoming.passedOn(),
      failure: ownerFailure,
    })
    client.dispatch(url, body ? { method, headers, body } : { method, headers }, relay)
  }

  return {
    passTo,
    home: (key) => members.home(key).catch(() => undefined),
    find: (id) => members.find(id as InstanceId), // of a record or a sealed state: written by an Instance
    async pass(incoming, session, body) {
      // One hop only: a second would mean that the two disagree on the owner.
      if (incoming.handedOff) throw new RouterError('SESSION_NOT_FOUND')
      const owner = await members.find(session.instance)
      if (!owner) throw new RouterError('SESSION_NOT_FOUND')
      passTo(incoming, owner, body)
    },
    admit(req) {
      const given = req.headers[secretHeader]
      const name = req.headers[principalHeader]
      if (typeof given !== 'string' || typeof name !== 'string') return undefined
      const same = timingSafeEqual(createHash('sha256').update(given).digest(), digest)
      return same ? { name } : undefined
    },
  }
}

/** Where the owner is stays in the cluster; the client hears what it can do. */
const ownerFailure = (error: Error): RouterError =>
  wasNeverSent(error)
    ? new RouterError('OWNER_UNREACHABLE', {}, error)
    : new RouterError('OWNER_LOST', {}, error)

const pathOf = (req: IncomingMessage): string => req.url ?? '/'
