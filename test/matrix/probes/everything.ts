import type { SdkClient } from '../../harness/sdk/client.js'
import type { Probes } from '../features.js'
import {
  expectCompletion,
  expectLists,
  expectNotification,
  expectProgress,
  expectResult,
  expectServer,
  expectUpdate,
  resultOf,
} from './expect.js'

const watched = 'demo://resource/dynamic/text/1'
/** Two tools are for clients that know the tasks of 2025-11-25, and one is nothing but such a task. */
const toolsFor = ({ sdk, era }: SdkClient): number => {
  if (sdk === 'v1') return 19
  return era === 'legacy' ? 17 : 16
}
const file = { name: 'proof.gz', data: 'data:text/plain,proof', outputType: 'resource' }

/** everythingProbes are for the reference server that is published on npm. */
export const everythingProbes: Probes = {
  open: (client) => expectServer(client, 'mcp-servers/everything'),
  lists: (client) => expectLists(client, { tools: toolsFor(client), prompts: 4, resources: 7 }),
  call: (client) => expectResult(client, 'echo', { message: 'proof' }, 'Echo: proof'),
  progress: (client) =>
    expectProgress(client, 'trigger-long-running-operation', { duration: 0.4, steps: 2 }, [1, 2]),
  // The server pays no heed to it: what counts is that the client is rid of the call, and that the next one works.
  async cancel(client) {
    const call = { name: 'trigger-long-running-operation', arguments: { duration: 2, steps: 20 } }
    const cancelling = new AbortController()
    const refused = client
      .callTool(call, { onProgress: () => cancelling.abort(), signal: cancelling.signal })
      .then(
        () => false,
        () => cancelling.signal.aborted,
      )
    if (!(await refused)) throw new Error('the call was not cancelled')
    await expectResult(client, 'echo', { message: 'next' }, 'Echo: next')
  },
  sampling: (client) =>
    expectResult(client, 'trigger-sampling-request', { prompt: 'proof' }, 'a summary'),
  elicitation: (client) => expectResult(client, 'trigger-elicitation-request', {}, 'Name: Ada'),
  roots: (client) => expectResult(client, 'get-roots-list', {}, 'URI: file:///proof'),
  async logging(client) {
    await client.setLevel('debug')
    const from = client.heard.notifications.length
    await expectResult(client, 'toggle-simulated-logging', {}, 'Started simulated')
    await expectNotification(client, 'notifications/message', 'evel', from)
  },
  async 'list changes'(client) {
    await client.watchLists()
    await expectResult(client, 'gzip-file-as-resource', file, 'proof.gz')
    await expectNotification(client, 'notifications/resources/list_changed')
  },
  async 'resource updates'(client) {
    await client.subscribe(watched)
    await expectUpdate(client, watched, () => resultOf(client, 'toggle-subscriber-updates'))
  },
  completion: (client) =>
    expectCompletion(client, ['completable-prompt', 'department', 'S'], 'Sales'),
}
