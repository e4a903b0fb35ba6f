import type { Backend } from '@mcp-router/core'
import { latestLegacy, metaKeys, modernRevisions, requestBytes } from '@mcp-router/protocol'
import { routerInfo } from '../router-info.js'

/** Question is what an Endpoint is asked with to find out its Era. */
export type Question = 'server/discover' | 'initialize'

/** The revision that a modern Endpoint is asked for. */
export const [probedRevision] = modernRevisions

/** ownInitialize are the params of a session of the router's own: no capabilities, for nobody would answer the server's requests. */
export const ownInitialize: Readonly<Record<string, unknown>> = {
  protocolVersion: latestLegacy,
  capabilities: {},
  clientInfo: routerInfo,
}

/** patienceOf is how long, in ms, a server may be silent to `server/discover` until it is asked by `initialize` too: a call waits for it meanwhile. */
export const patienceOf = ({ deadlineMs }: Pick<Backend, 'deadlineMs'>, mostMs: number): number =>
  Math.min(mostMs, deadlineMs / 2)

/** initializeBytes asks with these params; the question is also the id of the request. */
export const initializeBytes = (params: Readonly<Record<string, unknown>>): Buffer =>
  requestBytes('initialize', 'initialize', params)

/** questionBytes are the same for every Endpoint; the question is also the id of the request. */
export const questionBytes: Readonly<Record<Question, Buffer>> = {
  'server/discover': requestBytes('server/discover', 'server/discover', {
    _meta: {
      [metaKeys.protocolVersion]: probedRevision,
      [metaKeys.clientCapabilities]: {},
      [metaKeys.clientInfo]: routerInfo,
    },
  }),
  initialize: initializeBytes(ownInitialize),
}
