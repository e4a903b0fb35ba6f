import { loadClusterConfig, type Env } from '@mcp-router/config'
import { isSessionHash } from '@mcp-router/core'
import type { Explanation } from '@mcp-router/gateway'
import type { Command } from 'commander'
import { asRunning } from '../cluster/status/as-running.js'
import { clusterCommand, commandName } from '../command-name.js'
import { explanationLines } from './explanation-lines.js'
import { Failure } from '../failure.js'
import { ask, authority, bearer } from '../http.js'
import { sessionIdOf, withStore } from './session-records.js'
import { say } from '../terminal.js'
import { tokenAdvice } from '../token-advice.js'

interface ExplainOptions {
  readonly url?: string
  readonly json?: boolean
}

/** addExplain adds the command that asks a running cluster what happened to a Session. */
export const addExplain = (sessions: Command, env: Env): void => {
  sessions
    .command('explain')
    .description('what happened to one session, and why: asks a running cluster')
    .argument('<id>', 'the Mcp-Session-Id, sessionId= of the SSE transport, or its name in logs')
    .option('--url <url>', 'where the cluster is (default: GATEWAY_HOST and GATEWAY_PORT)')
    .option('--json', 'prints JSON')
    .addHelpText('after', help)
    .action(async (text: string, { url, json = false }: ExplainOptions) => {
      const id = isSessionHash(text) ? await idByName(env, text) : text
      // An empty variable counts as unset, as it does everywhere.
      const token = env['ACCESS_TOKEN'] || undefined
      const isHere = url === undefined
      return explain(id, { base: url ?? gatewayOf(env), isHere, token, json })
    })
}

/** Only who may read the store finds a session by its name in logs. */
const idByName = async (env: Env, name: string): Promise<string> => {
  const id = await withStore(env, (store) => sessionIdOf(store, name))
  if (id !== undefined) return id
  throw new Failure(
    `no session is called ${name} in logs: it never existed, or its history is no longer kept`,
  )
}

const help = `
The history of a session is kept for the lifetime of an unused session
(MCP_SESSION_TTL_MS, 30 minutes) after its last use. With ACCESS_TOKEN set, the token is sent.

Examples:
  ${commandName} sessions list
  ${commandName} sessions explain 0b5e9c1c-6d0c-4a52-8f0e-2f6a5a3f7c11
  ${commandName} sessions explain 0b5e9c1c-6d0c-4a52-8f0e-2f6a5a3f7c11 --url http://127.0.0.1:8051 --json`

const gatewayOf = (env: Env): string => {
  const { gatewayHost, gatewayPort } = loadClusterConfig(asRunning(env))
  return `http://${authority(gatewayHost, gatewayPort)}`
}

interface Asking {
  readonly base: string
  /** It is the cluster whose Redis the other commands read; elsewhere may be one without Redis. */
  readonly isHere: boolean
  readonly token: string | undefined
  readonly json: boolean
}

/** It reads the store, which may take as long as that waits for Redis, ms. */
const timeoutMs = 10_000

const explain = async (id: string, asking: Asking): Promise<void> => {
  const { base, token, json } = asking
  if (!/^https?:\/\//.test(base)) {
    throw new Failure(`--url ${base}: give a whole address, such as http://127.0.0.1:8080`)
  }
  const url = `${base.replace(/\/+$/, '')}/api/sessions/${encodeURIComponent(id)}/explain`
  const answer = await ask(url, { headers: bearer(token), timeoutMs })
  if ('failed' in answer) {
    throw new Failure(
      `asking ${base}: ${answer.failed}; start the cluster (${clusterCommand} start), or say where it is with --url`,
    )
  }
  if (answer.status !== 200) throw new Failure(refusalOf(asking, answer.status, answer.body))
  const explanation = parsed(answer.body)
  if (!isExplanation(explanation)) throw new Failure(`what answers at ${base} is no mcp-router`)
  if (json) {
    say(JSON.stringify(explanation, undefined, 2))
    return
  }
  for (const line of explanationLines(explanation)) say(line)
}

const refusalOf = ({ base, isHere, token }: Asking, status: number, body: string): string => {
  const explained = parsed(body)
  if (status === 401) return tokenAdvice(base, token)
  if (!isRecord(explained) || typeof explained['error'] !== 'string') {
    return `${base} answered HTTP ${status}, not as an mcp-router does: check --url`
  }
  const reason = explained['error'].replace(/\p{C}+/gu, ' ')
  return status === 404 && isHere
    ? `${reason}. ${commandName} sessions list shows those that are open`
    : reason
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** Of the rest, a router of this release is trusted. */
const isExplanation = (value: unknown): value is Explanation =>
  isRecord(value) && Array.isArray(value['life']) && typeof value['summary'] === 'string'
