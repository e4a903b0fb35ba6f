import type { SdkClient } from '../harness/sdk/client.js'

/** The rows of a cell of the matrix: what a client and a server do with each other. */
export const features = [
  'open',
  'lists',
  'call',
  'progress',
  'cancel',
  'sampling',
  'elicitation',
  'roots',
  'logging',
  'list changes',
  'resource updates',
  'completion',
] as const
export type Feature = (typeof features)[number]

/** Probes really do each feature with a server, and reject where it does not work. */
export type Probes = Readonly<Record<Feature, (client: SdkClient) => Promise<void>>>
