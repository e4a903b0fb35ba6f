import { randomUUID } from 'node:crypto'

/** SessionId names a Session: visible ASCII, unguessable (122 random bits), also the `Mcp-Session-Id` header. */
export type SessionId = string & { readonly __brand: 'SessionId' }
/** InstanceId names an Instance in the cluster, `router-instance-1`. */
export type InstanceId = string & { readonly __brand: 'InstanceId' }
/** BackendName is the name an operator gave a Backend; it appears in paths. */
export type BackendName = string & { readonly __brand: 'BackendName' }
/** EndpointId names an Endpoint to people, `<backend>#<n>`: its place in the configuration. No address, and nothing secret, is in it. */
export type EndpointId = string & { readonly __brand: 'EndpointId' }

export const newSessionId = (): SessionId => randomUUID() as SessionId

const sessionIdShape = /^[\x21-\x7e]{1,128}$/

/** asSessionId accepts what a client may send as a session id (spec 2025-06-18, transports: visible ASCII). */
export const asSessionId = (text: string): SessionId | undefined =>
  sessionIdShape.test(text) ? (text as SessionId) : undefined

const backendNameShape = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** asBackendName accepts names that stand in a URL path unescaped: letters, digits, `.`, `_`, `-`, at most 64. */
export const asBackendName = (text: string): BackendName | undefined =>
  backendNameShape.test(text) ? (text as BackendName) : undefined
