import { isRecord } from '../modern/envelope.js'
import { withModes } from './capabilities.js'
import { legacyContent } from './content.js'
import { urlElicitationRequired } from './errors.js'
import { without } from './json.js'
import type { Json } from './json.js'
import { metaOf, withMeta } from './meta.js'

/** InputRequest is a question to the client: a request of the server, or one of the `inputRequests` of a modern result. */
export interface InputRequest {
  readonly method: string
  readonly params: Json
}

/** InputRequired is what a modern server wants before it goes on with a request. At least one of the two is there. */
export interface InputRequired {
  readonly asked: readonly (readonly [key: string, request: InputRequest])[]
  readonly state: string | undefined
}

/** Only these may be answered with what the server wants first (2026-07-28, MRTR §Supported Requests). */
const answeredByQuestions: ReadonlySet<string> = new Set([
  'tools/call',
  'prompts/get',
  'resources/read',
])

/** takesInput says whether a modern server may ask for more before it answers this method. */
export const takesInput = (method: string): boolean => answeredByQuestions.has(method)

/** inputRequired reads a result of type `input_required`, or says what is wrong with it: then its request must not be sent again. */
export const inputRequired = (
  method: string,
  { inputRequests, requestState }: Json,
): InputRequired | { readonly fault: string } => {
  if (!takesInput(method)) return { fault: `input_required as the answer to ${method}` }
  if (inputRequests !== undefined && !isRecord(inputRequests))
    return { fault: 'input_required whose inputRequests are no object' }
  if (requestState !== undefined && typeof requestState !== 'string')
    return { fault: 'input_required whose requestState is no string' }
  const asked = Object.entries(inputRequests ?? {}).map(
    ([key, value]) => [key, requestIn(value)] as const,
  )
  if (!asked.every(isAsked))
    return { fault: 'input_required with a member of inputRequests that is no request' }
  if (asked.length === 0 && requestState === undefined)
    return { fault: 'input_required with neither inputRequests nor requestState' }
  return { asked, state: requestState }
}

type Asked = InputRequired['asked'][number]

const isAsked = (member: readonly [string, InputRequest | undefined]): member is Asked =>
  member[1] !== undefined

const requestIn = (value: unknown): InputRequest | undefined => {
  const { method, params = {} } = isRecord(value) ? value : {}
  return typeof method === 'string' && isRecord(params) ? { method, params } : undefined
}

/** LegacyTerms is what a client with a session can be asked. */
interface LegacyTerms {
  readonly revision: string
  /** As declared at `initialize`, or as modernCapabilities gives them. */
  readonly capabilities: Json
  /** The modern era has none; who sends it makes one that is unique. */
  readonly elicitationId: string
}

/** legacyInputRequest puts a modern server's question to a legacy client. Undefined: the client cannot be asked that. */
export const legacyInputRequest = (
  request: InputRequest,
  to: LegacyTerms,
): InputRequest | undefined => {
  switch (request.method) {
    case 'elicitation/create':
      return elicitation(request, to)
    case 'sampling/createMessage':
      return sampling(request, to)
    case 'roots/list':
      return isRecord(to.capabilities.roots) ? request : undefined
    default:
      return undefined
  }
}

/** modernInputRequest puts a legacy server's request into the `inputRequests` of a modern result. */
export const modernInputRequest = ({ method, params }: InputRequest): InputRequest => {
  const rest = without(params, ['elicitationId', 'task'])
  return { method, params: withMeta(rest, without(metaOf(params), ['progressToken'])) }
}

/**
 * urlInputRequests makes questions of the URLs that a legacy server's error says must be visited first (-32042). Undefined: it is
 * another error, or names none.
 */
export const urlInputRequests = (
  error: Json,
): Readonly<Record<string, InputRequest>> | undefined => {
  if (error.code !== urlElicitationRequired || !isRecord(error.data)) return undefined
  const named: unknown = error.data.elicitations
  const asked = (Array.isArray(named) ? named : []).filter(isUrl).map((params, at) => {
    const request = { method: 'elicitation/create', params: { ...params, mode: 'url' } }
    return [`url-${at + 1}`, modernInputRequest(request)] as const
  })
  return asked.length > 0 ? Object.fromEntries(asked) : undefined
}

const isUrl = (value: unknown): value is Json => isRecord(value) && typeof value.url === 'string'

const elicitation = (
  { method, params }: InputRequest,
  { revision, capabilities, elicitationId }: LegacyTerms,
): InputRequest | undefined => {
  if (!isRecord(capabilities.elicitation)) return undefined
  const modes = withModes(capabilities.elicitation)
  if (params.mode === 'url') {
    if (revision < '2025-11-25' || !isRecord(modes.url)) return undefined
    return { method, params: { ...params, elicitationId } }
  }
  return revision >= '2025-06-18' && isRecord(modes.form) ? { method, params } : undefined
}

const sampling = (
  { method, params }: InputRequest,
  { revision, capabilities }: LegacyTerms,
): InputRequest | undefined => {
  const declared = capabilities.sampling
  if (!isRecord(declared)) return undefined
  const usesTools = params.tools !== undefined || params.toolChoice !== undefined
  if (usesTools && (revision < '2025-11-25' || !isRecord(declared.tools))) return undefined
  const messages: unknown = params.messages
  if (!Array.isArray(messages) || revision >= '2025-11-25') return { method, params }
  return { method, params: { ...params, messages: messages.flatMap(singles(revision)) } }
}

/** Before 2025-11-25 a message had one block of content: one with more becomes several of the same role. */
const singles =
  (revision: string) =>
  (message: unknown): readonly unknown[] => {
    if (!isRecord(message)) return [message]
    const blocks: readonly unknown[] = Array.isArray(message.content)
      ? message.content
      : [message.content]
    return blocks.map((block) => ({ ...message, content: legacyContent(block, revision) }))
  }
