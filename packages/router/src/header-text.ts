/**
 * headerText lets a header of a server into the head of an answer: undefined for what node:http would
 * throw at. How long the answer is, and how it is framed, is never taken from there.
 */
export const headerText = (value: unknown): string | undefined =>
  typeof value === 'string' && sound.test(value) ? value : undefined

/** RFC 9110 §5.5. */
const sound = /^[\t\x20-\x7e\x80-\xff]*$/
