import type { SessionId } from '@mcp-router/core'
import { scanMessage } from '@mcp-router/protocol'
import { openStore } from '@mcp-router/testkit/router'
import { expect, it, onTestFinished } from 'vitest'
import { createDeadlines } from '../calls/deadlines.js'
import { SessionCallLog } from '../calls/session-call-log.js'
import { createAgeing } from './ageing.js'
import { StreamedCall } from './streamed.js'

const session = { id: 's-1' as SessionId, epoch: 1 }
const stream = '1.ImUi'
const entryAs = (text: string) => ({ entry: stream, callId: '', body: text })
const body = '{"jsonrpc":"2.0","id":"é","method":"do"}'
const answer = '{"jsonrpc":"2.0","id":"é","result":{}}'

interface Begun {
  readonly isAgain?: boolean
  readonly logged?: object
}

const begin = async ({ isAgain = false, logged: first = entryAs(body) }: Begun = {}) => {
  const { callLog } = openStore()
  const deadlines = createDeadlines()
  onTestFinished(() => deadlines.close())
  const written = new SessionCallLog(callLog, createAgeing(deadlines))
  const call = new StreamedCall(
    { callLog: written },
    { isAgain },
    session,
    scanMessage(Buffer.from(body)),
  )
  await call.begin(stream)
  const logged = () => callLog.entries(session.id)
  expect(await logged()).toEqual([first])
  return { call, written, logged }
}

it('a call is in the call log, and its answer is kept as delivered', async () => {
  const { call, written, logged } = await begin()
  call.end(Buffer.from(answer), true)
  expect(written.hasDelivered(session.id)).toBe(true)
  expect(await logged()).toEqual([entryAs(answer)])
})

it('the answer takes its place for a client that is away', async () => {
  const { call, logged } = await begin()
  call.end(Buffer.from(answer), false)
  expect(await logged()).toEqual([entryAs(answer)])
})

it('a call that runs for the second time is noted as such', async () => {
  const logged = { ...entryAs(body), isRepeated: true }
  await expect(begin({ isAgain: true, logged })).resolves.toBeDefined()
})
