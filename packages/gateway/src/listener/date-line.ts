let second = 0
let text = ''

/** dateLine is the Date field of a response (RFC 9110 §6.6.1), made once a second. */
export const dateLine = (): string => {
  const now = Math.floor(Date.now() / 1_000)
  if (now !== second) {
    second = now
    text = `Date: ${new Date(now * 1_000).toUTCString()}\r\n`
  }
  return text
}
