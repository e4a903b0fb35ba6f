import type { Endpoint } from '@mcp-router/core'
import { existsSync } from 'node:fs'

/** missingCwd is the folder that a command is to run in and that does not exist; undefined: nothing is wrong with it. */
export const missingCwd = (endpoint: Endpoint): string | undefined =>
  endpoint.transport !== 'stdio' || endpoint.cwd === undefined || existsSync(endpoint.cwd)
    ? undefined
    : endpoint.cwd
