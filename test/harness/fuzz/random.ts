export { createRandom } from '@mcp-router/testkit/random'
export type { Random } from '@mcp-router/testkit/random'
