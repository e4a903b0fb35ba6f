import { randomBytes } from 'node:crypto'
import type { Connection } from './connection.js'
import { clusterSecretKey } from './keys.js'

/** clusterSecret makes the secret if no Instance has yet; all of them read the one that was first. */
export const clusterSecret = async (connection: Connection): Promise<string> => {
  const { client, attempt } = connection
  const proposal = randomBytes(32).toString('hex')
  await attempt(() => client.set(clusterSecretKey, proposal, 'NX'))
  const secret = await attempt(() => client.get(clusterSecretKey))
  // Deleted in between, by a FLUSHALL say: what is not shared must not be used.
  return secret ?? clusterSecret(connection)
}
