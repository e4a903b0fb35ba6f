import { until } from '@mcp-router/testkit/wait'
import type { Progress, SdkClient, ToolCall } from './client.js'
import { normal } from './normal.js'

/** Tour says what to ask a server: arguments for each of its tools, and what else it offers. */
export interface Tour {
  readonly tools: Readonly<Record<string, readonly Record<string, unknown>[]>>
  /** Tools that work as tasks. */
  readonly tasks: Readonly<Record<string, Record<string, unknown>>>
  readonly prompts: Readonly<Record<string, Record<string, string>>>
  /** Prompt, argument, what was typed of it. */
  readonly completions: readonly (readonly [string, string, string])[]
  /** To read beside those that the server lists. */
  readonly resources: readonly string[]
  /** To subscribe to before the tools are called. */
  readonly subscription: string | undefined
  readonly hasLogging: boolean
  /** The server is settled once it told and asked this much by itself. */
  readonly settled: (heard: SdkClient['heard']) => boolean
}

/** take asks a server everything and resolves with all that it answered, told and asked, comparable with another tour. */
export const take = async (client: SdkClient, tour: Tour): Promise<unknown> => {
  await until('the server to settle', () => tour.settled(client.heard))
  const answers: Record<string, unknown> = { server: client.serverInfo() }
  const note = async (what: string, asked: Promise<unknown>): Promise<void> => {
    answers[what] = await asked.catch((error: unknown) => ({ error: String(error) }))
  }
  if (tour.hasLogging) await note('level', client.setLevel('debug'))
  if (tour.subscription) await note('subscribe', client.subscribe(tour.subscription))
  const { tools } = await client.listTools()
  answers['tools'] = tools
  for (const { name } of tools) {
    const task = tour.tasks[name]
    if (task) {
      const call: ToolCall = { name, arguments: task }
      await note(name, client.runTask ? client.runTask(call) : client.callTool(call))
      continue
    }
    for (const [n, args] of argumentsFor(tour, name).entries()) {
      const call: ToolCall = { name, arguments: args }
      const progress: Progress[] = []
      await note(
        `${name} ${n}`,
        client.callTool(call, { onProgress: (each) => progress.push(each) }),
      )
      answers[`${name} ${n} progress`] = progress
    }
  }
  if (Object.keys(tour.prompts).length > 0) {
    await note('prompts', client.listPrompts())
    for (const [name, args] of Object.entries(tour.prompts))
      await note(`prompt ${name}`, client.getPrompt(name, args))
  }
  for (const [prompt, name, value] of tour.completions)
    await note(`complete ${prompt} ${name}`, client.complete(prompt, name, value))
  if (tour.resources.length > 0) await readAll(client, tour, answers, note)
  if (tour.subscription) await note('unsubscribe', client.unsubscribe(tour.subscription))
  const { requests, notifications } = client.heard
  return normal({ answers, requests, notifications: sorted(notifications) })
}

const readAll = async (
  client: SdkClient,
  tour: Tour,
  answers: Record<string, unknown>,
  note: (what: string, asked: Promise<unknown>) => Promise<void>,
): Promise<void> => {
  const { resources } = await client.listResources()
  answers['resources'] = resources
  await note('templates', client.listResourceTemplates())
  for (const uri of [...resources.map((each) => each.uri), ...tour.resources])
    await note(`read ${uri}`, client.readResource(uri))
}

const argumentsFor = (tour: Tour, name: string): readonly Record<string, unknown>[] => {
  const args = tour.tools[name]
  if (!args) throw new Error(`the tour does not know what to call the tool ${name} with`)
  return args
}

/** Notifications may travel on another stream than the answers, so their order among each other is not compared. */
const sorted = (notifications: readonly unknown[]): readonly unknown[] =>
  notifications
    .map((each) => JSON.stringify(each))
    // A level by chance, of the simulated logging.
    .map((text) => text.replace(/.*[- ]level[- ]message.*/, '"(a simulated log message)"'))
    .sort()
    .map((text) => JSON.parse(text) as unknown)
