import { RouterError } from '@mcp-router/core'
import { scanMessage } from '@mcp-router/protocol'
import { SessionLost } from '@mcp-router/upstream'
import { describe, expect, it } from 'vitest'
import { backendOf } from '@mcp-router/testkit/backend'
import { recover, Recovery } from './recover.js'
import type { Decision, Failure } from './recover.js'
import type { ToolSources } from './retry-safe.js'

/** What survives what: the failure, whether the call may run twice, how often it was repeated and moved, and what becomes of it. */
const table: readonly (readonly [Failure, 'safe' | 'unsafe', number, number, Decision])[] = [
  // Nothing was sent, or it was refused unread: whatever it is, it may be sent to another endpoint, or in a new session.
  ['never-sent', 'unsafe', 0, 0, 'elsewhere'],
  ['never-sent', 'safe', 0, 1, 'elsewhere'],
  ['never-sent', 'safe', 0, 2, 'fail'],
  ['session-forgotten', 'unsafe', 0, 0, 'reopen'],
  // The last time, another endpoint may remember it for longer.
  ['session-forgotten', 'unsafe', 0, 1, 'elsewhere'],
  ['session-forgotten', 'safe', 0, 2, 'fail'],
  ['session-forgotten', 'safe', 1, 0, 'reopen'],
  // It was there, and gone again, twice.
  ['session-forgotten', 'safe', 2, 0, 'elsewhere'],
  ['session-forgotten', 'safe', 2, 2, 'fail'],
  // It was sent, and no answer came: it may have run.
  ['broken', 'unsafe', 0, 0, 'unknown'],
  ['broken', 'unsafe', 3, 2, 'unknown'],
  ['broken', 'safe', 0, 0, 'repeat'],
  ['broken', 'safe', 2, 2, 'repeat'],
  ['broken', 'safe', 3, 0, 'fail'],
  // That is the answer.
  ['refused', 'safe', 0, 0, 'fail'],
  ['refused', 'unsafe', 0, 0, 'fail'],
]

it.each(table)(
  'a call that is %s, %s, repeated %s and moved %s times: %s',
  (failure, is, repeats, attempts, decision) => {
    const isSafe = is === 'safe'
    expect(recover({ failure, isSafe, repeats, attempts, maxAttempts: 2 })).toBe(decision)
  },
)

const messageOf = (method: string, params?: object) =>
  scanMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })))
const append = messageOf('tools/call', { name: 'append' })

describe('the failures of one call', () => {
  const backend = backendOf('files', [])
  // Nothing else is asked where no tool has to be looked up.
  const tools = {
    deps: { catalog: { known: () => ({ find: () => undefined }) } },
  } as unknown as ToolSources
  const recovering = (message = append) =>
    new Recovery(tools, { backend, message, requestId: 'r', at: 0 })
  const after = (recovery: Recovery, error: Error, isTaken?: boolean) =>
    new Promise<[Decision, RouterError]>((resolve) => {
      recovery.after(error, (...decided) => resolve(decided), isTaken)
    })
  const broke = new Error('it broke')

  it('are counted: it is sent again three times at most where it may run twice', async () => {
    const recovery = recovering(messageOf('tools/list'))
    const decided: Decision[] = []
    for (let times = 0; times < 4; times++) decided.push((await after(recovery, broke))[0])
    expect(decided).toEqual(['repeat', 'repeat', 'repeat', 'fail'])
  })

  it('count the moves from zero after a repeat', async () => {
    const recovery = recovering(messageOf('tools/list'))
    const lost = new SessionLost('an endpoint')
    const errors = [lost, lost, broke, lost, lost, lost]
    const decided: Decision[] = []
    for (const error of errors) decided.push((await after(recovery, error))[0])
    expect(decided).toEqual(['reopen', 'elsewhere', 'repeat', 'reopen', 'elsewhere', 'fail'])
  })

  it('are told with its tool and what is known', async () => {
    const [decision, { publicData }] = await after(recovering(), broke)
    expect(decision).toBe('unknown')
    expect(publicData).toMatchObject({ tool: 'append', requestId: 'r' })
    expect(publicData).toMatchObject({ reason: expect.stringContaining('it broke') })
  })

  it('do not have it run again where its server has shown that it had taken it', async () => {
    const recovery = recovering(messageOf('tools/list'))
    const [decision, { code }] = await after(recovery, new SessionLost('an endpoint'), true)
    expect([decision, code]).toEqual(['fail', 'UPSTREAM_FAILED'])
  })

  it('name what could not be opened as that, also where it must not run twice', async () => {
    const error = new RouterError('OPENING_FAILED', { backend: 'files', reason: 'it ended' })
    expect(await after(recovering(), error)).toEqual(['unknown', error])
  })

  it('of an answer of the client are repeated, and not for ever', async () => {
    const message = scanMessage(Buffer.from('{"jsonrpc":"2.0","id":7,"result":{}}'))
    // Nothing of the tools is needed for what is no request.
    const recovery = new Recovery({} as ToolSources, { backend, message, at: 0 })
    expect((await after(recovery, broke))[0]).toBe('repeat')
    recovery.repeats = 3
    expect(await after(recovery, broke)).toMatchObject(['fail', { code: 'UPSTREAM_FAILED' }])
  })
})
