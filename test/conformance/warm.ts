import type { Cluster } from '../harness/cluster.js'
import { openStream } from '../harness/event-stream.js'
import { jsonHeaders } from '../harness/http.js'
import { modernHeaders, modernRequest, modernToolCall } from '../harness/modern.js'

/**
 * warm has every instance start what serves a modern client, for each set of capabilities that the suite declares: the suite gives an
 * answer half a second, which is less than a process of node takes to start on a busy machine.
 */
export const warm = async ({ instances }: Cluster, backend: string): Promise<void> => {
  for (const instance of instances) {
    const url = `${instance}/mcp/${backend}`
    for (const capabilities of [{}, { elicitation: {} }])
      await modernToolCall(url, { name: 'test_simple_text' }, { capabilities })
    const listen = modernRequest('listen', 'subscriptions/listen', {
      notifications: { toolsListChanged: true },
    })
    const stream = await openStream(url, {
      method: 'POST',
      headers: { ...jsonHeaders, ...modernHeaders('subscriptions/listen') },
      body: JSON.stringify(listen),
    })
    await stream.message(({ method }) => method === 'notifications/subscriptions/acknowledged')
    stream.close()
  }
}
