import { until } from '@mcp-router/testkit/wait'
import type { Progress, SdkClient } from '../../harness/sdk/client.js'

/** Long enough for a server that has to be started first, short enough for what will never come. */
const limitMs = 6_000

/** resultOf calls a tool and gives all that its result holds, as text. */
export const resultOf = async (
  client: SdkClient,
  name: string,
  args: Record<string, unknown> = {},
): Promise<string> => {
  const signal = AbortSignal.timeout(limitMs)
  return JSON.stringify(await client.callTool({ name, arguments: args }, { signal }))
}

/** expectResult calls a tool, whose result must hold a text. */
export const expectResult = async (
  client: SdkClient,
  name: string,
  args: Record<string, unknown>,
  text: string,
): Promise<void> => {
  const result = await resultOf(client, name, args)
  if (!result.includes(text)) throw new Error(`${name}: no "${text}" in ${result}`)
}

/** expectServer looks at whom the client has met. */
export const expectServer = (client: SdkClient, name: string): Promise<void> => {
  const met = JSON.stringify(client.serverInfo())
  if (met.includes(`"name":"${name}"`)) return Promise.resolve()
  return Promise.reject(new Error(`not ${name} but ${met}`))
}

/** expectLists asks for all lists, which must be as long as told. */
export const expectLists = async (
  client: SdkClient,
  lengths: { readonly tools: number; readonly prompts: number; readonly resources: number },
): Promise<void> => {
  const { tools } = await client.listTools()
  const { prompts } = await client.listPrompts()
  const { resources } = await client.listResources()
  const found = { tools: tools.length, prompts: prompts.length, resources: resources.length }
  if (JSON.stringify(found) !== JSON.stringify(lengths))
    throw new Error(`lists of other lengths: ${JSON.stringify(found)}`)
}

/** expectProgress calls a tool that reports its progress. While the client answers what the server asks, it has no stream to be told on. */
export const expectProgress = async (
  client: SdkClient,
  name: string,
  args: Record<string, unknown>,
  steps: readonly number[],
): Promise<void> => {
  const heard: number[] = []
  // One without a total is the SDK's own: it tells that it answers what it was asked.
  const onProgress = ({ progress, total }: Progress): void => {
    if (total !== undefined) heard.push(progress)
  }
  const signal = AbortSignal.timeout(limitMs)
  const asked = client.heard.requests.length
  await client.callTool({ name, arguments: args }, { onProgress, signal })
  const isAsked = client.era === 'modern' && client.heard.requests.length > asked
  const due = isAsked ? steps.filter((step) => heard.includes(step)) : steps
  if (heard.join() !== due.join()) throw new Error(`progress: ${heard.join()}`)
}

/** expectCompletion completes an argument of a prompt: prompt, argument, what was typed of it. */
export const expectCompletion = async (
  client: SdkClient,
  typed: readonly [string, string, string],
  value: string,
): Promise<void> => {
  const completed = JSON.stringify(await client.complete(...typed))
  if (!completed.includes(`"${value}"`)) throw new Error(`no "${value}" in ${completed}`)
}

/** hasHeard says whether a notification came that holds a text, among those `from` on. */
export const hasHeard = (client: SdkClient, method: string, text = '', from = 0): boolean =>
  client.heard.notifications
    .slice(from)
    .map((each) => JSON.stringify(each))
    .some((each) => each.includes(`"${method}"`) && each.includes(text))

/** expectNotification waits for a notification that holds a text. */
export const expectNotification = async (
  client: SdkClient,
  method: string,
  text = '',
  from = 0,
): Promise<void> => {
  await until(method, () => hasHeard(client, method, text, from), limitMs)
}

const againAfterMs = 500

/**
 * expectUpdate causes an update until it is heard of. A server may tell only the session in which it happened; of a client that has none,
 * calls and subscriptions are in sessions that the router keeps, one or more in each instance.
 */
export const expectUpdate = async (
  client: SdkClient,
  uri: string,
  cause: () => Promise<unknown>,
): Promise<void> => {
  const method = 'notifications/resources/updated'
  const end = Date.now() + limitMs
  const isHeard = (): boolean => hasHeard(client, method, uri)
  while (!isHeard() && Date.now() < end) {
    await cause()
    await until(method, isHeard, againAfterMs).catch(() => undefined)
  }
  if (!isHeard()) throw new Error(`no ${method} of ${uri}`)
}
