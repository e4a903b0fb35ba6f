import type { SessionId } from '@mcp-router/core'
import { scanMessage } from '@mcp-router/protocol'
import { expect, it, vi } from 'vitest'
import type { Context } from '../downstream/context.js'
import { openStore } from '../testing/gateway.js'
import { StreamedCall } from './streamed.js'

const session = 's-1' as SessionId
const body = '{"jsonrpc":"2.0","id":"é","method":"do"}'
const answer = '{"jsonrpc":"2.0","id":"é","result":{}}'

const begin = async () => {
  const { journal } = openStore()
  const told = { add: vi.fn(), withdraw: vi.fn(), forget: vi.fn() }
  // Nothing else of it is used here.
  const context = { deps: { journal }, told } as unknown as Context
  const call = new StreamedCall(context, session, scanMessage(Buffer.from(body)))
  await call.begin()
  expect(told.withdraw).toHaveBeenCalledWith(session, '"é"')
  expect(await journal.owed(session)).toEqual([{ requestId: '"é"', body }])
  return { call, told, owed: () => journal.owed(session) }
}

it('a call is in the journal, and its answer is one of those that were told', async () => {
  const { call, told } = await begin()
  call.end(Buffer.from(answer), true)
  expect(told.add).toHaveBeenCalledWith(session, '"é"', Buffer.from(answer))
})

it('the answer takes its place for a client that is away', async () => {
  const { call, owed } = await begin()
  call.end(Buffer.from(answer), false)
  expect(await owed()).toEqual([{ requestId: '"é"', body: answer }])
})
