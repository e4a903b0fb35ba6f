import type { RedisClient } from './connect.js'
import type { Connection } from './connection.js'
import { isReply } from './unavailable.js'

/** KeyType is what the command TYPE calls it. */
type KeyType = 'string' | 'hash' | 'list' | 'set' | 'zset'

/**
 * onOwnKeys runs commands on keys that the router names, all of one type. What stands there with another type was not written by the router and
 * cannot be of use to it: it is deleted, and the commands run again.
 */
export const onOwnKeys = async <T>(
  client: RedisClient,
  type: KeyType,
  keys: readonly string[],
  work: () => Promise<T>,
): Promise<T> => {
  try {
    return await work()
  } catch (thrown) {
    if (!isReply(thrown, 'WRONGTYPE')) throw thrown
  }
  await Promise.all(keys.map((key) => client.dropForeign(key, type)))
  return work()
}

/** agreedOn proposes the text at a key; all Instances get the one that was first. */
export const agreedOn = async (
  connection: Connection,
  key: string,
  proposal: string,
): Promise<string> => {
  const { client, attempt } = connection
  const held = await attempt(() =>
    onOwnKeys(client, 'string', [key], async () => {
      await client.set(key, proposal, 'NX')
      return client.get(key)
    }),
  )
  if (held) return held
  // Empty, or deleted in between, by a FLUSHALL say: what is not shared must not be used.
  await attempt(() => client.dropForeign(key, 'string'))
  return agreedOn(connection, key, proposal)
}

/** done runs a transaction and rejects where one of its commands failed, which Redis answers in its place. */
export const done = async (transaction: {
  exec(): Promise<[error: Error | null, result: unknown][] | null>
}): Promise<void> => {
  const failed = (await transaction.exec())?.find(([error]) => error)?.[0]
  if (failed) throw failed
}
