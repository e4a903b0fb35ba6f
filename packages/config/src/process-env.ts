import { reasonOf } from '@mcp-router/core'
import { readFileSync } from 'node:fs'
import { ConfigError } from './config-error.js'
import type { Env } from './environment.js'
import { readText } from './read-text.js'
import { fileVariable, secrets } from './schema.js'

/**
 * privateEnvVariable is set to `stdin` by a parent that writes further variables there, as one JSON
 * object: an environment can be read in /proc by all processes of the same user.
 */
export const privateEnvVariable = 'MCP_PRIVATE_ENV'

const fromInput = 'stdin'

/** isOfCluster tells that `cluster` started this process, and the servers with a `start` line. */
export const isOfCluster = (): boolean => process.env[privateEnvVariable] === fromInput

// Standard input can be read once.
let received: Env | undefined

/**
 * processEnv is the only way to the environment of this process; everything else is handed it, or
 * parts of it.
 */
export const processEnv = (): Env => {
  const { [privateEnvVariable]: place, ...env } = process.env
  if (place !== fromInput) return withSecretFiles(env)
  // Written by our own parent, which has read the files of secrets; one of an earlier release names them still.
  received ??= JSON.parse(readFileSync(0, 'utf8')) as Env
  return { ...env, ...received, ...noFiles }
}

const noFiles: Env = Object.fromEntries(secrets.map((name) => [fileVariable(name), undefined]))

/**
 * withSecretFiles resolves `ACCESS_TOKEN_FILE` and its like, as containers and systemd give them: what was read stands in their place. Where
 * the variable itself is set, too, both stay, and whoever reads it refuses that.
 */
export const withSecretFiles = (env: Env): Env => {
  const read = secrets.flatMap((name) => {
    const file = fileVariable(name)
    const path = env[file]
    if (!path || env[name]) return []
    return [
      [name, contentOf(name, path)],
      [file, undefined],
    ]
  })
  return { ...env, ...(Object.fromEntries(read) as Env) }
}

const contentOf = (name: string, path: string): string => {
  try {
    return readText(path).trim()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
    const isMissing = code === 'ENOENT'
    const what = isMissing
      ? `there is no file ${path}`
      : `cannot read ${path} (${code ?? reasonOf(error)})`
    const advice = `correct ${name}_FILE or leave it out`
    throw new ConfigError([
      { reason: `${name}_FILE: ${what}`, advice: isMissing ? `create it, or ${advice}` : advice },
    ])
  }
}
