import { backendOf } from '@mcp-router/testkit/backend'
import { modernClient } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { openAskingCommand } from '@mcp-router/testkit/server'
import { expect, it } from 'vitest'

const capabilities = { elicitation: { form: {} } }
const yes = { action: 'accept', content: {} }

interface Round {
  readonly result: { readonly resultType: string; readonly requestState?: string; pid?: number }
}

const open = async (retry: 'safe' | 'always') => {
  const backend = { ...backendOf('local', [(await openAskingCommand()).endpoint]), retry }
  const gateway = await openGateway({ backends: [backend], maxProcesses: 1, parkedMs: 100 })
  const client = (principal: string) =>
    modernClient(`${gateway.url}/mcp/local`, { capabilities, principal })
  const answer = (who: string, { result: { requestState } }: Round) =>
    client(who).tool('t', {}, { more: { requestState, inputResponses: { 'input-1': yes } } })
  const call = async (who: string) => (await client(who).tool('t')) as unknown as Round
  return { call, answer }
}

it('takes the process of a call whose client does not come back', async () => {
  const { call, answer } = await open('safe')
  const gone = await call('ann')
  const asked = await call('bob')
  expect(asked).toMatchObject({ result: { resultType: 'input_required' } })
  expect(await answer('bob', asked)).toMatchObject({ result: { heard: yes } })
  expect(await answer('ann', gone)).toMatchObject({
    error: {
      code: -31001,
      data: {
        tool: 't',
        reason: 'its process was needed by others while it waited for its client',
      },
    },
  })
})

it('calls once more, and asks again, where that may be', async () => {
  const { call, answer } = await open('always')
  const gone = await call('ann')
  expect(await answer('bob', await call('bob'))).toMatchObject({ result: { heard: yes } })
  const again = (await answer('ann', gone)) as unknown as Round
  expect(again).toMatchObject({ result: { resultType: 'input_required' } })
  expect(await answer('ann', again)).toMatchObject({ result: { heard: yes } })
})

it('lets many calls that ask take their turns', async () => {
  const { call, answer } = await open('safe')
  const all = Array.from({ length: 12 }, async (_, at) => {
    const who = `client ${at}`
    return answer(who, await call(who))
  })
  for (const told of await Promise.all(all)) expect(told).toMatchObject({ result: { heard: yes } })
})
