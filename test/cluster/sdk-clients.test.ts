import { describe, it } from 'vitest'
import { useFixture } from '../harness/fixture.js'
import { connectDirectly, connectThrough, sdkWays } from '../harness/sdk/connect.js'
import type { SdkClient } from '../harness/sdk/client.js'
import { take } from '../harness/sdk/tour.js'
import { everythingTour, exampleTour, statelessTour } from '../harness/sdk/tours.js'
import { useCluster } from '../harness/use-cluster.js'

const stateless = useFixture('stateless')
const tours = {
  everything: everythingTour,
  'mcp-server-v6': exampleTour,
  stateless: statelessTour,
} as const
type BackendName = keyof typeof tours

const ways = (Object.keys(tours) as BackendName[]).flatMap((backend) =>
  sdkWays.map((way) => [way, backend] as const),
)

describe.each(['ip_hash', 'round_robin'] as const)('with %s', (affinity) => {
  const cluster = useCluster(() => ({ affinity, servers: { stateless: { url: stateless().url } } }))
  const urls: Record<BackendName, () => string | undefined> = {
    everything: () => undefined,
    'mcp-server-v6': () => cluster().example,
    stateless: () => stateless().url,
  }

  // What servers say without a router is asked once for all clients of the same SDK.
  const known = new Map<string, Promise<unknown>>()
  const directly = (sdk: SdkClient['sdk'], backend: BackendName): Promise<unknown> => {
    const key = `${sdk} ${backend}`
    const asked = known.get(key) ?? tourOf(connectDirectly(sdk, urls[backend]()), backend)
    known.set(key, asked)
    return asked
  }

  it.concurrent.for(ways)('%s meets %s as it is', async ([way, backend], { expect }) => {
    const [through, direct] = await Promise.all([
      tourOf(connectThrough(way, cluster().gateway, backend), backend),
      directly(way === 'v2 http' ? 'v2' : 'v1', backend),
    ])
    expect(through).toEqual(direct)
  })
})

const tourOf = async (connecting: Promise<SdkClient>, backend: BackendName): Promise<unknown> => {
  const client = await connecting
  try {
    return await take(client, tours[backend])
  } finally {
    await client.close()
  }
}
