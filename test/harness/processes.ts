export { isAlive, pidsIn, processAt, treeOf } from '@mcp-router/testkit/process'
export type { Process } from '@mcp-router/testkit/process'
