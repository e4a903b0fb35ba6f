import { createHmac } from 'node:crypto'

/** So many are remembered; a busy session is hashed once. */
const remembered = 10_000

/**
 * createSessionHash makes the name of a Session in logs: 16 hex digits of an HMAC. Who has the id of
 * a Session can use it, and logs are read by more people than may; the key is that of the cluster,
 * so that all Instances write the same name. An empty id has an empty name.
 */
export const createSessionHash = (secret: string): ((id: string) => string) => {
  const known = new Map<string, string>()
  return (id) => {
    if (id === '') return ''
    const before = known.get(id)
    if (before !== undefined) return before
    const hash = createHmac('sha256', secret).update(`session ${id}`).digest('hex').slice(0, 16)
    if (known.size >= remembered) known.clear()
    known.set(id, hash)
    return hash
  }
}

/** isSessionHash tells a name in logs from an id. */
export const isSessionHash = (text: string): boolean => /^[0-9a-f]{16}$/.test(text)
