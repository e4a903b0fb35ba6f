import { isRecord, metaKeys } from '../modern/envelope.js'
import { modernRevisions } from '../revision.js'
import { without } from './json.js'
import type { Json } from './json.js'
import { foreignMeta, withMeta } from './meta.js'

/** ClientFace is what a client with a session is, as every modern request must say it again. */
export interface ClientFace {
  /** As modernCapabilities gives them. */
  readonly capabilities: Json
  readonly clientInfo: Json | undefined
  readonly logLevel: string | undefined
}

/**
 * modernParams puts the envelope of 2026-07-28 on the params of a legacy client. What it wrote under the reserved keys itself does not
 * count, and `task` goes: the tasks of the two eras have nothing in common.
 */
export const modernParams = (params: Json | undefined, face: ClientFace): Json => {
  const { capabilities, clientInfo, logLevel } = face
  return {
    ...without(params ?? {}, ['task']),
    _meta: {
      ...foreignMeta(params),
      [metaKeys.protocolVersion]: modernRevisions[0],
      [metaKeys.clientCapabilities]: capabilities,
      // Better none than one for which a server must refuse the request.
      ...(isImplementation(clientInfo) && { [metaKeys.clientInfo]: clientInfo }),
      ...(logLevel !== undefined && { [metaKeys.logLevel]: logLevel }),
    },
  }
}

/** legacyParams takes off the params of a modern client what only that era knows. Undefined: nothing else was in them. */
export const legacyParams = (params: Json | undefined): Json | undefined => {
  if (!params) return undefined
  const rest = withMeta(without(params, ['inputResponses', 'requestState']), foreignMeta(params))
  return Object.keys(rest).length > 0 ? rest : undefined
}

/** isImplementation says whether a value can stand as `clientInfo` or `serverInfo`. */
export const isImplementation = (value: unknown): value is Json =>
  isRecord(value) && typeof value.name === 'string' && typeof value.version === 'string'
