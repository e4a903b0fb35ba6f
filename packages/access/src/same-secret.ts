/** sameSecret compares in a time that does not depend on where the first difference is; it allocates nothing. */
export const sameSecret = (given: string, secret: string): boolean => {
  if (given.length !== secret.length) return false
  let differs = 0
  for (let at = 0; at < secret.length; at++) differs |= given.charCodeAt(at) ^ secret.charCodeAt(at)
  return differs === 0
}
