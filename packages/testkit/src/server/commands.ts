import type { RouterEvent } from '@mcp-router/core'
import { exit, hang, unknownMethod } from './call.js'
import type { ServerCall, Step } from './call.js'
import { openCommand } from './stdio.js'
import type { CommandOptions } from './stdio.js'

/** childrenOf tells of each child that said that it was started whether it runs still. */
export const childrenOf = (events: readonly RouterEvent[]): readonly boolean[] =>
  [...new Set(events.flatMap((each) => (each.kind === 'stderr' ? [each.pid] : [])))].map(isAlive)

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const progress = ({ params, notify }: ServerCall): void => {
  const { progressToken } = (params['_meta'] ?? {}) as { progressToken?: unknown } // of the protocol
  notify('notifications/progress', { progressToken, progress: 1 })
}

/**
 * usualSteps are those of a server with sessions: `work` sends progress first; `hang` never answers; `exit` ends the process; `ask` asks the client;
 * `say` sends a notification; `heard` tells what the client answered.
 */
const usualSteps = (answers: ReadonlyMap<string, unknown>): Readonly<Record<string, Step>> => {
  return {
    hang,
    exit,
    work(call) {
      progress(call)
      call.reply({ done: true })
    },
    ask: (call) => call.ask('roots/list', undefined, 'server-1'),
    say: ({ notify, params }) => notify('notifications/said', params),
    heard: ({ reply, session }) => reply({ answer: answers.get(session.id) }),
  }
}

/** openUsual is a command of these steps; `on` has more, or others. */
export const openUsual = ({ on, ...options }: CommandOptions = {}) => {
  const answers = new Map<string, unknown>()
  return openCommand({
    revision: '2025-06-18',
    on: { ...usualSteps(answers), ...on },
    onResponse: ({ result }, session) => void answers.set(session.id, result),
    ...options,
  })
}

/**
 * openModernCommand is a stdio server of 2026-07-28. Its tools: `count` says how often it was called, and by which process; `progress` sends progress first;
 * `hang` never answers; `mute` neither, nor anything after it; `cancelled` says how many were cancelled; `exit` ends it.
 */
export const openModernCommand = ({ on, ...options }: CommandOptions = {}) => {
  const counts = new Map<string, number>()
  const mute = new Set<string>()
  let cancelled = 0
  const tools: Readonly<Record<string, Step>> = {
    hang,
    exit,
    mute: ({ session }) => mute.add(session.id),
    cancelled: (call) => complete(call, { cancelled }),
    progress(call) {
      progress(call)
      complete(call, { done: true })
    },
    caps: ({ refuse }) => refuse(-32021, 'no', { requiredCapabilities: {} }),
    count(call) {
      const { id, pid } = call.session
      const count = (counts.get(id) ?? 0) + 1
      counts.set(id, count)
      complete(call, { pid, count, state: call.params['requestState'] })
    },
  }
  return openCommand({
    era: 'modern',
    on: {
      'notifications/cancelled': () => cancelled++,
      'tools/call': (call) => (tools[String(call.params['name'])] ?? tools['count'])?.(call),
      ...on,
    },
    otherwise: unknownMethod,
    isDeafTo: ({ id }) => mute.has(id),
    ...options,
  })
}

/** complete answers a call of the modern era. */
export const complete = ({ reply }: ServerCall, result: object): void =>
  reply({ resultType: 'complete', ...result })

const question = { message: 'sure?', requestedSchema: { type: 'object' } }

/** openAskingCommand is a stdio server with sessions, each of whose tools asks its client once, always under the id `q`. */
export const openAskingCommand = () =>
  openCommand({
    on: {
      'tools/list': ({ reply }) => reply({ tools: [] }),
      async 'tools/call'({ ask, reply, session }) {
        const { result } = await ask('elicitation/create', question, 'q')
        reply({ heard: result, pid: session.pid })
      },
    },
    otherwise: unknownMethod,
  })

/**
 * openRootsCommand is one whose `ask` and `prompts/get` ask the client for its roots, `afterMs` later, always under the id `q`: a server counts from the start in
 * each process. It answers with what the client did; `crash` ends it.
 */
export const openRootsCommand = () => {
  const asking: Step = async ({ params, ask, reply }) => {
    await new Promise((resolve) => setTimeout(resolve, Number(params['afterMs'] ?? 0)))
    reply({ heard: (await ask('roots/list', undefined, 'q'))['result'] })
  }
  const ends: Step = ({ session }) => session.exit(1)
  return openCommand({
    on: { ask: asking, 'prompts/get': asking, crash: ends },
    otherwise: ({ id, reply }) => (id === undefined ? undefined : reply({})),
  })
}

/** openExclusive is a command that refuses to start while another process of it lives, and takes a moment to end. */
export const openExclusive = () => {
  let isHeld = false
  const owners = new Set<string>()
  return openUsual({
    onStart(session) {
      if (isHeld) {
        session.log('the browser is already in use')
        session.exit(1)
        return
      }
      isHeld = true
      owners.add(session.id)
    },
    async onEnd(session) {
      if (!owners.has(session.id)) return
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      isHeld = false
      session.exit(0)
    },
  })
}
