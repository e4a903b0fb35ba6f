#!/usr/bin/env node
import { ConfigError, processEnv } from '@mcp-router/config'
import { Failure, isSystemError } from './failure.js'
import { createProgram } from './program.js'
import { complain } from './terminal.js'

try {
  await createProgram(processEnv()).parseAsync()
} catch (error) {
  // What somebody at the terminal can mend is one clear message; anything else is a fault of ours
  // and shows where.
  const expected = error instanceof Failure || error instanceof ConfigError || isSystemError(error)
  complain(`mcp-router: ${expected ? error.message : stackOf(error)}`)
  process.exit(1)
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
