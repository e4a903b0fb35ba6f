import { randomUUID } from 'node:crypto'
import type { Connection } from './connection/connection.js'
import { clusterSecretKey, generationKey } from './keys.js'
import { agreedOn } from './connection/own-key.js'

/**
 * generationOf reads the name of what the store holds, and gives it one where it has none. `secret` is put back where it is missing. Each time
 * that Redis is reached anew makes another name: a replica that was promoted, or a file that was read again, may lack what was written last, and
 * what lived on meanwhile may have expired.
 */
export const generationOf = async (
  connection: Connection,
  secret: string | undefined,
): Promise<string> => {
  const generation = await agreedOn(connection, generationKey, randomUUID())
  // All Instances hold the same one: whoever is first puts back the right one.
  if (secret !== undefined) await agreedOn(connection, clusterSecretKey, secret)
  return `${generation} ${connection.times()}`
}
