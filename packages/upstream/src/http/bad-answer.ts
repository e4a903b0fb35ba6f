import { MalformedMessage } from '@mcp-router/protocol'

/**
 * BadAnswer says that an Endpoint answered in a way that cannot be passed on. It is the server's
 * error: the request arrived, so it is never sent again, here or elsewhere, because of it.
 */
export class BadAnswer extends Error {
  /** `what` continues a sentence: `the server sent …`. */
  constructor(what: string, cause?: unknown) {
    super(`the server sent ${what}`, cause === undefined ? undefined : { cause })
    this.name = 'BadAnswer'
  }
}

/** asBadAnswer finds out whether a failure is one: what undici cannot read is, and what is no message. */
export const asBadAnswer = (error: Error): Error => {
  if (error instanceof MalformedMessage) {
    return new BadAnswer(`an invalid MCP message: ${error.message}`, error)
  }
  const { code } = error as NodeJS.ErrnoException
  const isUnreadable = error.name === 'HTTPParserError' || (code && unreadable.has(code))
  return isUnreadable ? new BadAnswer(`an invalid HTTP response: ${error.message}`, error) : error
}

const unreadable: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
])
