export { inherited, run } from '@mcp-router/testkit/process'
export type { Running } from '@mcp-router/testkit/process'
