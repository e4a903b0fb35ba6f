import type { InstanceId } from '@mcp-router/core'
import { createParking } from './parking.js'
import type { Parking } from './parking.js'
import { createSeal } from './seal.js'
import type { Seal } from './seal.js'

/** Bridge is what calls of modern clients at servers with sessions share within an Instance. */
export interface Bridge {
  readonly seal: Seal
  readonly parking: Parking
  /** How to end each listen gracefully. */
  readonly listens: Set<() => void>
  close(): void
}

interface Options {
  readonly instance: InstanceId
  readonly clusterSecret: string
  /** How long a client may take to answer: people are asked, ms. */
  readonly inputTtlMs: number
}

export const createBridge = ({ instance, clusterSecret, inputTtlMs }: Options): Bridge => {
  const seal = createSeal(clusterSecret, inputTtlMs)
  const parking = createParking({ seal, instance, ttlMs: inputTtlMs })
  return { seal, parking, listens: new Set(), close: () => parking.close() }
}
