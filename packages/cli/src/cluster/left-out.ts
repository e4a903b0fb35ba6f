import type { ClusterConfig } from '@mcp-router/config'

/** leftOutLines name the servers with a problem, which are left out while the rest runs. */
export const leftOutLines = ({ invalid }: Pick<ClusterConfig, 'invalid'>): readonly string[] =>
  invalid.flatMap(({ name, problems }) =>
    problems.map((problem) => `server "${name}" is left out: ${problem}`),
  )
