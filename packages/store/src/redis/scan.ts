import { mastersOf } from './connection/connect.js'
import type { Connection } from './connection/connection.js'

/** How many keys one SCAN looks at: few, so that Redis answers others in between. */
const scanCount = 500

/** scanKeys walks the keys that match, in batches, on every master of a Cluster, and names each once. */
export async function* scanKeys(
  { client, attempt }: Connection,
  pattern: string,
): AsyncGenerator<readonly string[]> {
  // SCAN may name a key twice, and so may two masters while its slot moves.
  const seen = new Set<string>()
  const masters = await attempt(() => Promise.resolve(mastersOf(client)))
  for (const master of masters) {
    let cursor = '0'
    do {
      const from = cursor
      const [next, keys] = await attempt(() =>
        master.scan(from, 'MATCH', pattern, 'COUNT', scanCount),
      )
      const fresh = new Set(keys.filter((key) => !seen.has(key)))
      for (const key of fresh) seen.add(key)
      yield [...fresh]
      cursor = next
    } while (cursor !== '0')
  }
}
