import type { InstanceId } from '@mcp-router/core'
import { scanMessage } from '@mcp-router/protocol'
import { expect, it } from 'vitest'
import type { Incoming } from '../http/incoming.js'
import { createReturnProofs } from './return-proof.js'

/** A client that is asked for its proof; `proof` is its answer to the ping. */
const open = (patienceMs: number) => {
  const written: string[] = []
  const incoming = {
    principal: { name: 'ada' },
    res: { write: (frame: Buffer) => written.push(frame.toString()) },
    whenClosed: () => undefined,
  } as unknown as Incoming
  const proofs = createReturnProofs('router-instance-1' as InstanceId)
  const asking = proofs.ask(incoming, 'local', patienceMs)
  const ping = JSON.parse(written[0]?.replace(/^[^{]*/, '') ?? '') as { id: string }
  const answer = JSON.stringify({ jsonrpc: '2.0', id: ping.id, result: {} })
  const session = '3f0c1a52-8f0b-4d6e-9a55-0d6c9a3a8f10'
  const prove = (): void =>
    proofs.settle(scanMessage(Buffer.from(answer)), incoming, 'local', session)
  return { asking, prove, session, written }
}

it('a client that does not answer is asked again, and then taken for another one', async () => {
  const { asking, written } = open(2_000)
  expect(await asking).toBeUndefined()
  expect(written).toHaveLength(2)
})

it('an instance that was paused for longer than that still takes the answer', async () => {
  const { asking, prove, session } = open(2_000)
  // Nothing runs meanwhile.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500)
  // What fell due meanwhile runs first.
  await new Promise((resolve) => setTimeout(resolve, 1))
  prove()
  expect(await asking).toBe(session)
})
