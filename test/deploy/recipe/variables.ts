import { environmentSchema, parseEnvironment, stopLimitMs } from '@mcp-router/config'
import { expect } from 'vitest'

const ofTheSystem = ['HOME', 'PATH', 'NODE_ENV', 'NODE_OPTIONS']
const names: readonly string[] = [
  ...environmentSchema.keyof().options,
  ...['ACCESS_TOKEN', 'CLUSTER_SECRET', 'PROXY_SECRET', 'REDIS_URL'].map((name) => `${name}_FILE`),
]

/** expectVariables holds a recipe to the schema of the router: each variable that it sets is one, with a value that it takes. */
export const expectVariables = (env: Readonly<Record<string, string>>): void => {
  const unknown = Object.keys(env).filter(
    (name) => !names.includes(name) && !ofTheSystem.includes(name),
  )
  expect(unknown).toEqual([])
  parseEnvironment(env)
}

/** expectTimeToDrain holds what a platform waits between SIGTERM and SIGKILL to the drain of an instance with this environment. */
export const expectTimeToDrain = (waitS: number, env: Readonly<Record<string, string>>): void => {
  const { MCP_DRAIN_MS } = parseEnvironment(env)
  expect(waitS * 1_000).toBeGreaterThan(stopLimitMs(MCP_DRAIN_MS))
}
