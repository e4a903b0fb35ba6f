import { until } from '@mcp-router/testkit/wait'
import type { Probes } from '../features.js'
import { openTrace } from '../trace.js'
import {
  expectCompletion,
  expectLists,
  expectNotification,
  expectProgress,
  expectResult,
  expectServer,
} from './expect.js'

const watched = 'test://watched-resource'

/** fixtureProbes are for the conformance fixture. */
export const fixtureProbes: Probes = {
  open: (client) => expectServer(client, 'conformance-fixture'),
  lists: (client) => expectLists(client, { tools: 31, prompts: 5, resources: 3 }),
  call: (client) => expectResult(client, 'test_simple_text', {}, 'This is a simple text'),
  progress: (client) => expectProgress(client, 'test_tool_with_progress', {}, [0, 50, 100]),
  async cancel(client) {
    using trace = openTrace()
    const cancelling = new AbortController()
    const args = { trace: trace.path }
    const { signal } = cancelling
    const calling = client.callTool({ name: 'test_traced_wait', arguments: args }, { signal })
    const refused = calling.then(
      () => false,
      () => true,
    )
    await until('the start of the call', () => trace.lines().includes('started'))
    cancelling.abort()
    if (!(await refused)) throw new Error('the cancelled call had a result')
    await until('the call to be cancelled', () => trace.lines().includes('cancelled'), 3_000)
  },
  sampling: (client) => expectResult(client, 'test_sampling', { prompt: 'proof' }, 'a summary'),
  elicitation: (client) =>
    expectResult(client, 'test_input_required_result_elicitation', {}, 'Hello, Ada!'),
  roots: (client) =>
    expectResult(client, 'test_input_required_result_list_roots', {}, 'Roots: file:///proof'),
  async logging(client) {
    await client.setLevel('debug')
    await expectResult(client, 'test_logging_tool', {}, 'Logged')
    await expectNotification(client, 'notifications/message', 'One line')
  },
  async 'list changes'(client) {
    await client.watchLists()
    for (const list of ['tool', 'prompt', 'resource']) {
      await expectResult(client, `test_trigger_${list}_change`, {}, 'Told')
      await expectNotification(client, `notifications/${list}s/list_changed`)
    }
  },
  async 'resource updates'(client) {
    await client.subscribe(watched)
    await expectResult(client, 'test_trigger_resource_change', {}, 'Told')
    await expectNotification(client, 'notifications/resources/updated', watched)
  },
  completion: (client) =>
    expectCompletion(client, ['test_prompt_with_arguments', 'arg1', 'par'], 'paris'),
}
