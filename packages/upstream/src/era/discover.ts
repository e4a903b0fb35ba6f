import { latestLegacy, metaKeys, modernRevisions, requestBytes } from '@mcp-router/protocol'

/** Question is what an Endpoint is asked with to find out its Era. */
export type Question = 'server/discover' | 'initialize'

/** The revision that a modern Endpoint is asked for. */
export const [probedRevision] = modernRevisions

const self = { name: 'mcp-router', version: '0.1.0' }

/** questionBytes are the same for every Endpoint; the question is also the id of the request. */
export const questionBytes: Readonly<Record<Question, Buffer>> = {
  'server/discover': requestBytes('server/discover', 'server/discover', {
    _meta: {
      [metaKeys.protocolVersion]: probedRevision,
      [metaKeys.clientCapabilities]: {},
      [metaKeys.clientInfo]: self,
    },
  }),
  initialize: requestBytes('initialize', 'initialize', {
    protocolVersion: latestLegacy,
    capabilities: {},
    clientInfo: self,
  }),
}
