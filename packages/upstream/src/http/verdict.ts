import { RouterError } from '@mcp-router/core'
import { MalformedMessage, requireValid, scanMessage, spliceId } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { BadAnswer } from './bad-answer.js'
import { headerOf, isJson } from './headers.js'
import type { HttpAnswer } from './post.js'

/**
 * ownResponse is a response as the answer to the request with this id (JSON text), to whose POST it came. An error is about that
 * request under whatever id: some servers refuse under none, or under one of their own. It throws UPSTREAM_BAD_ANSWER for a response to anything else: nobody waits for that here.
 */
export const ownResponse = (backend: string, message: Message, id: string): Message => {
  if (message.id === id) return message
  if (!message.errorSpan) throw badAnswer(backend, 'a response that carries another id')
  return scanMessage(spliceId(message, id).bytes)
}

/**
 * responseIn is the response in a whole answer that is no stream. It throws UPSTREAM_BAD_ANSWER, UPSTREAM_BUSY, LOOP_DETECTED or
 * UPSTREAM_CREDENTIAL_REFUSED where there is none. `isOpening`: it answers `initialize`.
 */
export const responseIn = (
  backend: string,
  answer: HttpAnswer,
  id: string,
  isOpening = false,
): Message => {
  const { status } = answer
  if (isRefusedCredential(status) || isLoop(status)) throw refusalOf(backend, answer, isOpening)
  const isExpected = status >= 400 || isJson(answer)
  if (!isExpected || answer.body.length === 0) throw refusalOf(backend, answer, isOpening)
  const message = messageIn(backend, answer, isOpening)
  if (message.kind !== 'response') throw badAnswer(backend, `${said(answer)} that is no response`)
  return ownResponse(backend, message, id)
}

/** wholeResponseIn is responseIn for one that may travel on a stream, where JSON that is broken inside is never answered. */
export const wholeResponseIn = (backend: string, answer: HttpAnswer, id: string): Message => {
  const response = responseIn(backend, answer, id)
  try {
    requireValid(response)
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error
    throw badAnswer(backend, `${said(answer)} that ${faultOf(error)}`, error)
  }
  return response
}

/** A refusal may come with JSON of any kind: then its status is what counts. */
const messageIn = (backend: string, answer: HttpAnswer, isOpening: boolean): Message => {
  try {
    return scanMessage(answer.body)
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error
    if (answer.status >= 400) throw refusalOf(backend, answer, isOpening)
    throw badAnswer(backend, `${said(answer)} that ${faultOf(error)}`, error)
  }
}

const faultOf = ({ kind, message }: MalformedMessage): string => {
  if (kind === 'not-json') return 'is not valid JSON'
  return kind === 'batch' ? 'is an array' : `is not JSON-RPC 2.0: ${message}`
}

/** readEvent reads a message that came on the stream of a call. It throws what that call fails with where it is none, or a response that is broken inside. */
export const readEvent = (backend: string, data: Buffer): Message => {
  try {
    const message = scanMessage(data)
    if (message.kind === 'response') requireValid(message)
    return message
  } catch (error) {
    throw error instanceof MalformedMessage ? eventFault(backend, error) : error
  }
}

/** eventFault is what a message on a stream that cannot be read means to the call that it came to. */
export const eventFault = (backend: string, error: MalformedMessage): RouterError =>
  badAnswer(backend, `an event that ${faultOf(error)}`, error)

/** asFailure tells what broke off because it is no answer as that, and leaves every other error as it is. */
export const asFailure = (backend: string, error: Error): Error =>
  error instanceof MalformedMessage || error instanceof BadAnswer
    ? badAnswer(backend, error.message, error)
    : error

/** noServerThere is what to do about an Endpoint that answers 404 or 405 to whoever opens it. */
export const noServerThere =
  'no MCP server is at this path: correct its url, or for HTTP+SSE its transport'

/**
 * refusalOf is what a whole answer without a message means to the client. The server's own challenge stays here. `isOpening`: nothing that was
 * sent to this path before was answered.
 */
export const refusalOf = (backend: string, answer: HttpAnswer, isOpening = false): RouterError => {
  const { status } = answer
  if (isRefusedCredential(status))
    return new RouterError('UPSTREAM_CREDENTIAL_REFUSED', { backend, status })
  if (status === 429 || status === 503) return new RouterError('UPSTREAM_BUSY', { backend, status })
  if (isLoop(status)) return loopAt(backend)
  if (status === 431) return new RouterError('INVALID_REQUEST', { reason: headersTooLong(backend) })
  const isNowhere = isOpening && (status === 404 || status === 405)
  return badAnswer(backend, isNowhere ? `${said(answer)}; ${noServerThere}` : said(answer))
}

/** isLoop tells that an Endpoint is, or leads to, a router that has passed on the request before (RFC 8586). */
export const isLoop = (status: number): boolean => status === 508

const loopAt = (backend: string): RouterError =>
  new RouterError('LOOP_DETECTED', {
    at: `server "${backend}"`,
    reason: 'it refused the request as one that it has passed on before (HTTP 508)',
  })

/** Who calls a tool with such a name is to hear of it: the server is well (2026-07-28, Streamable HTTP §Request Metadata). */
const headersTooLong = (backend: string): string =>
  `the header fields are too long for server "${backend}" (HTTP 431); they repeat the name, and some arguments, of what is called: shorten those`

const isRefusedCredential = (status: number): boolean => status === 401 || status === 403

const badAnswer = (backend: string, reason: string, cause?: unknown): RouterError =>
  new RouterError('UPSTREAM_BAD_ANSWER', { backend, reason }, cause)

/** said describes an answer by what is safe to show of it. */
const said = (answer: HttpAnswer): string => {
  const status = `HTTP ${answer.status}`
  if (answer.status >= 300) return status
  if (answer.body.length === 0) return `${status} without a body`
  const type = /^[\w.+-]{1,40}\/[\w.+-]{1,40}/.exec(headerOf(answer, 'content-type'))?.[0]
  return `${status} with ${type ?? 'a body of no media type'}`
}
