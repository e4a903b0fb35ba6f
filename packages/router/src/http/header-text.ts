/**
 * headerText lets a header of a server into the head of an answer: undefined for what node:http would
 * throw at. How long the answer is, and how it is framed, is never taken from there.
 */
const headerText = (value: unknown): string | undefined =>
  typeof value === 'string' && sound.test(value) ? value : undefined

/** RFC 9110 §5.5. */
const sound = /^[\t\x20-\x7e\x80-\xff]*$/

/** Nginx takes an Instance for dead whose head is longer than its buffers: nothing in it may be as long as a server likes. */
const maxBytes = 256

/** typeText lets the Content-Type of a server in, without parameters where these are long. */
export const typeText = (value: unknown): string | undefined => {
  const type = headerText(value)
  return type === undefined || type.length <= maxBytes ? type : mediaType.exec(type)?.[0]
}

const mediaType = /^[\w.+-]{1,127}\/[\w.+-]{1,127}(?=[\t ]*(;|$))/

/** passedHeaders are those of a server's answer that are for the client, a flat list; what is not well-formed is left out. */
export const passedHeaders = (headers: Readonly<Record<string, unknown>>): string[] => {
  const { allow, 'retry-after': retryAfter } = headers
  const passed: string[] = []
  if (typeof allow === 'string' && allow.length <= maxBytes && tokens.test(allow))
    passed.push('allow', allow)
  if (typeof retryAfter === 'string' && isDelayOrDate(retryAfter))
    passed.push('retry-after', retryAfter)
  return passed
}

/** RFC 9110 §10.2.1: methods, which are tokens (§5.6.2). */
const tokens = /^[\w!#$%&'*+.^`|~\t ,-]*$/

/** RFC 9110 §10.2.3. */
const isDelayOrDate = (value: string): boolean =>
  /^\d{1,10}$/.test(value) || (dateShape.test(value) && !Number.isNaN(Date.parse(value)))

/** Sun, 06 Nov 1994 08:49:37 GMT, and what was written before (RFC 9110 §5.6.7). */
const dateShape = /^[A-Z][a-z]{2,8},? [\w :-]{18,24}$/
