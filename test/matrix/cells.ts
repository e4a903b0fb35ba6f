import { setTimeout as wait } from 'node:timers/promises'
import type { SdkClient } from '../harness/sdk/client.js'
import { connectThrough, sdkWays } from '../harness/sdk/connect.js'
import type { SdkWay } from '../harness/sdk/connect.js'
import { everythingBackends } from './backends.js'
import type { BackendName } from './backends.js'
import { features } from './features.js'
import type { Feature, Probes } from './features.js'
import { everythingProbes } from './probes/everything.js'
import { fixtureProbes } from './probes/fixture.js'

/** The clients of the matrix. */
export const clientNames: readonly SdkWay[] = [...sdkWays, 'v2 modern']

/** Failures are the features that did not work in a cell, and what happened instead. */
export type Failures = ReadonlyMap<Feature, string>

/** More than the parts of a probe wait for: whoever waits longer waits for a client that hangs. */
const probeLimitMs = 15_000

/** tryCell connects a client to a backend through the router at `base` and tries every feature, one after the other. */
export const tryCell = async (
  way: SdkWay,
  base: string,
  backend: BackendName,
): Promise<Failures> => {
  const failures = new Map<Feature, string>()
  const client = await connectThrough(way, base, backend).catch((error: unknown) => {
    for (const feature of features) failures.set(feature, `not connected: ${told(error)}`)
  })
  if (!client) return failures
  const probes = probesFor(backend)
  for (const feature of features)
    await tryProbe(probes[feature], client).catch((error: unknown) => {
      failures.set(feature, told(error))
    })
  // What has failed may leave a client that cannot take its leave either.
  await Promise.race([client.close().catch(() => undefined), wait(probeLimitMs)])
  return failures
}

const probesFor = (backend: BackendName): Probes =>
  everythingBackends.some((name) => name === backend) ? everythingProbes : fixtureProbes

const tryProbe = async (probe: Probes[Feature], client: SdkClient): Promise<void> => {
  const over = new AbortController()
  const tooLong = wait(probeLimitMs, undefined, { signal: over.signal }).then(() => {
    throw new Error(`nothing within ${probeLimitMs} ms`)
  })
  // Once the probe is done, nobody waits for this any more.
  tooLong.catch(() => undefined)
  try {
    await Promise.race([probe(client), tooLong])
  } finally {
    over.abort()
  }
}

const told = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message
}
