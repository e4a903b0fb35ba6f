import type { Env } from '@mcp-router/config'
import type { Session } from '@mcp-router/core'
import type { Command } from 'commander'
import { addExplain } from './explain-command.js'
import { Failure } from '../failure.js'
import { uptime } from '../seconds.js'
import { sessionHashOf, sessionIdOf, withStore } from './session-records.js'
import { table } from '../table.js'
import { say } from '../terminal.js'

/** addSessions adds the commands that look at the cluster's Sessions; all but `explain` read Redis itself. */
export const addSessions = (program: Command, env: Env): void => {
  const sessions = program
    .command('sessions')
    .description(
      'look at sessions: in Redis (REDIS_URL, or that of MCP_RUN_DIR), or by asking a cluster',
    )
  sessions
    .command('list')
    .description('all sessions, the last used first')
    .option('--json', 'prints JSON')
    .action(({ json = false }: { json?: boolean }) => list(env, json))
  sessions
    .command('show')
    .description('everything that is known of one session')
    .argument('<id>', 'the Mcp-Session-Id, sessionId= of the SSE transport, or its name in logs')
    .action((id: string) => show(env, id))
  addExplain(sessions, env)
}

const list = async (env: Env, json: boolean): Promise<void> => {
  const sessions = await withStore(env, async (store) => {
    const all: Session[] = []
    for await (const session of store.sessions.list()) all.push(session)
    const hash = await sessionHashOf(store)
    return all
      .sort((a, b) => b.lastActive - a.lastActive)
      .map((session): Listed => ({ ...session, inLogs: hash(session.id) }))
  })
  if (json) {
    say(JSON.stringify(sessions, undefined, 2))
    return
  }
  if (sessions.length === 0) {
    say('no sessions')
    return
  }
  for (const line of table(head, sessions.map(row))) say(line)
}

const show = async (env: Env, text: string): Promise<void> => {
  const session = await withStore(env, async (store) => {
    const id = await sessionIdOf(store, text)
    return id && (await store.sessions.find(id))
  })
  if (!session) throw new Failure(`no session ${text}: it ended, expired or never existed`)
  say(JSON.stringify(session, undefined, 2))
}

/** `inLogs` is what log lines call it. */
type Listed = Session & { readonly inLogs: string }

const head = ['session', 'in logs', 'backend', 'by', 'owner', 'epoch', 'idle']

const row = (session: Listed): readonly string[] => [
  session.id,
  session.inLogs,
  session.backend,
  session.downstream,
  // Any instance goes on with a portable one.
  ...(session.epoch === 0 ? ['portable', '-'] : [session.instance, String(session.epoch)]),
  uptime(Date.now() - session.lastActive),
]
