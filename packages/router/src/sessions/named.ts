import { createHmac } from 'node:crypto'
import type { Session, SessionId } from '@mcp-router/core'

const prefix = 'named-'

/** Client is a client of 2024-11-05 that names itself when it opens its stream. */
interface Client {
  readonly name: string
  readonly principal: string
  readonly backend: string
}

/** namedId is the same for the same client of the same Principal at the same Backend, and nobody without the secret can guess it. */
export const namedId = (secret: string, { name, principal, backend }: Client): SessionId => {
  const text = JSON.stringify(['session of a named client', principal, backend, name])
  const digest = createHmac('sha256', secret).update(text).digest('base64url')
  return (prefix + digest) as SessionId // visible ASCII
}

export const isNamed = (id: SessionId): boolean => id.startsWith(prefix)

/** outlives tells that an owned Session can go on at another Instance: it was begun. */
export const outlives = ({ initialize }: Session): boolean => initialize !== ''
