import { sdkWays } from '../harness/sdk/connect.js'
import type { SdkWay } from '../harness/sdk/connect.js'
import type { BackendName } from './backends.js'
import type { Feature } from './features.js'

/** Gap is what cannot be between some clients and some servers, whoever stands between them. */
export interface Gap {
  readonly backends: readonly BackendName[]
  /** All of them, unless told. */
  readonly clients?: readonly SdkWay[]
  readonly features: readonly Feature[]
  readonly why: string
}

/** gaps are all that the matrix may miss. What is told here and works nevertheless fails the proof, too. */
export const gaps: readonly Gap[] = [
  {
    backends: ['http-stateless'],
    features: ['sampling', 'elicitation', 'roots', 'list changes', 'resource updates'],
    why: 'before 2026-07-28, a server that keeps no sessions has no way back to its client',
  },
  {
    backends: ['http-stateless'],
    clients: sdkWays,
    features: ['cancel'],
    why: 'such a server forgets a call before the message comes that cancels it',
  },
]

/** gapsOf are those of one cell. */
export const gapsOf = (client: SdkWay, backend: BackendName): readonly Gap[] =>
  gaps.filter(
    ({ clients, backends }) =>
      backends.includes(backend) && (clients === undefined || clients.includes(client)),
  )
