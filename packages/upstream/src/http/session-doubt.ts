import { createSseDecoder, requestBytes, scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { wasNeverSent } from './client.js'
import type { HttpClient } from './client.js'
import { isEventStream } from './headers.js'
import { post } from './post.js'
import type { ChunkTaker, HttpAnswer } from './post.js'

/**
 * SessionDoubt says how sure an answer is that the server has forgotten our session. `possible`: a ping in the same session decides, for 404 may
 * also mean that there is no such method, and "session" may be a matter of the tool. `likely`: it says so in words, and a ping that is not
 * answered speaks for it. `certain`: the server says that it was not initialized; it would answer a ping all the same (spec 2025-03-26,
 * lifecycle: pings come before initialization too).
 */
export type SessionDoubt = 'possible' | 'likely' | 'certain'

/** The words of published servers: TypeScript, Python, Go, Rust, Kotlin, C#, Java SDKs and what is built on them. */
const forgotten = /\bsession|transport found|initialize request/i
const uninitialized = /^(?:bad request: )?(?:mcp )?server (?:is )?not initialized\b/i
const error =
  /^(?:bad request: |not found: |unauthorized: )?(?:(?:no|invalid|unknown|expired|missing) (?:or expired |valid )?(?:mcp )?session\b|session (?:id )?(?:was |has |is )?(?:not found|not valid|unknown|expired|terminated|closed|invalid))/i

/** A refusal is short. */
const longestRefusal = 4_096

/** Servers word it under these too: 401 is what the Rust SDK once answered, 422 what it answers a message before `initialize`. */
const refusals: ReadonlySet<number> = new Set([400, 401, 403, 410, 422])

/**
 * doubtIn is the one judge of forgotten sessions, for HTTP+SSE as well; ask it only of messages that were sent in a session. Undefined: nothing
 * speaks for it.
 */
export const doubtIn = ({
  status,
  body,
}: Pick<HttpAnswer, 'status' | 'body'>): SessionDoubt | undefined => {
  if (status !== 404 && !refusals.has(status)) return undefined
  const text = body.length <= longestRefusal ? body.toString('latin1') : ''
  const said = errorTextOf(text)
  if (uninitialized.test(said)) return 'certain'
  if (error.test(said)) return 'likely'
  return status === 404 || forgotten.test(text) ? 'possible' : undefined
}

/** doubtInResponse is the same for a response that came with status 200. */
export const doubtInResponse = ({ bytes, errorSpan }: Message): SessionDoubt | undefined => {
  if (!errorSpan || errorSpan.end - errorSpan.start > longestRefusal) return undefined
  const text = errorTextOf(bytes.toString('utf8', errorSpan.start, errorSpan.end))
  if (uninitialized.test(text)) return 'certain'
  return error.test(text) ? 'likely' : undefined
}

const messageMember = /"message"\s*:\s*"((?:[^"\\]|\\.)*)"/

/** errorTextOf is the message of a JSON-RPC error, or the text itself where it holds none. */
const errorTextOf = (text: string): string => messageMember.exec(text)?.[1] ?? text

/** isDoubtTrue judges a doubt. `isKnown` asks the server by a ping; undefined: that was not answered. */
export const isDoubtTrue = async (
  doubt: SessionDoubt,
  isKnown: () => Promise<boolean | undefined>,
): Promise<boolean> => doubt === 'certain' || !((await isKnown()) ?? doubt === 'possible')

/** How long the server may take to answer the ping, ms. */
const pingMs = 2_000

let pings = 0

/**
 * isSessionKnown asks the server by a ping in the session that these headers of a POST name. Only a refusal that speaks against it too proves
 * that the session is gone. Undefined: the ping was not answered.
 */
export const isSessionKnown = async (
  client: HttpClient,
  url: string,
  headers: string[],
): Promise<boolean | undefined> => {
  const body = requestBytes(`mcp-router-ping-${++pings}`, 'ping')
  const heard: { isGone?: boolean } = {}
  const taker: ChunkTaker = (status, head) => {
    // HTTP+SSE answers on another stream; a body behind this is for nobody, and may have no end.
    if (status === 202) {
      heard.isGone = false
      return () => posting.abort(new Error('it is accepted'))
    }
    if (status !== 200 || !isEventStream({ headers: head })) return undefined
    const decoder = createSseDecoder(({ data }) => {
      if (data.length === 0) return
      heard.isGone = isDoubtful(data)
      posting.abort(new Error('the response is complete'))
    })
    return (chunk) => decoder.push(chunk)
  }
  const posting = post(client, url, { method: 'POST', headers, body, taker })
  const tooLong = setTimeout(() => posting.abort(new Error('ping was not answered')), pingMs)
  try {
    const answer = await posting.answer
    if (answer.status >= 400) return doubtIn(answer) === undefined
    return !heard.isGone && !isDoubtful(answer.body)
  } catch (error) {
    if (heard.isGone !== undefined) return !heard.isGone
    // A server that has just gone takes its sessions along.
    return wasNeverSent(error) ? false : undefined
  } finally {
    clearTimeout(tooLong)
  }
}

const isDoubtful = (body: Buffer): boolean => {
  try {
    return doubtInResponse(scanMessage(body)) !== undefined
  } catch {
    return false
  }
}
