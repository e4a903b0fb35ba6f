import type { SessionId } from '@mcp-router/core'
import { scanMessage } from '@mcp-router/protocol'
import { expect, it } from 'vitest'
import type { Context } from '../downstream/context.js'
import { openStore } from '../testing/gateway.js'
import { StreamedCall } from './streamed.js'

const session = 's-1' as SessionId
const body = '{"jsonrpc":"2.0","id":"é","method":"do"}'
const answer = '{"jsonrpc":"2.0","id":"é","result":{}}'

const begin = async () => {
  const { journal } = openStore()
  // Nothing else of it is used here.
  const context = { deps: { journal } } as unknown as Context
  const call = new StreamedCall(context, session, scanMessage(Buffer.from(body)))
  call.begin()
  expect(await journal.owed(session)).toEqual([{ requestId: '"é"', body }])
  return { call, owed: () => journal.owed(session) }
}

it('a call is in the journal until its client has the answer', async () => {
  const { call, owed } = await begin()
  call.end(Buffer.from(answer), true)
  expect(await owed()).toEqual([])
})

it('the answer takes its place for a client that is away', async () => {
  const { call, owed } = await begin()
  call.end(Buffer.from(answer), false)
  expect(await owed()).toEqual([{ requestId: '"é"', body: answer }])
})
