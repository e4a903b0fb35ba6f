import { randomBytes } from 'node:crypto'
import type { Connection } from './connection/connection.js'
import { clusterSecretKey } from './keys.js'
import { agreedOn } from './connection/own-key.js'

/** clusterSecret makes the secret if no Instance has yet; all of them read the one that was first. */
export const clusterSecret = (connection: Connection): Promise<string> =>
  agreedOn(connection, clusterSecretKey, randomBytes(32).toString('hex'))
