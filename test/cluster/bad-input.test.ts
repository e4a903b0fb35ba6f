import { describe, expect, it } from 'vitest'
import { oddStdioEntry } from '../harness/backends.js'
import { converse, downstreams } from '../harness/conversation.js'
import type { Conversation } from '../harness/conversation.js'
import { useFixture } from '../harness/fixture.js'
import { ask, post } from '../harness/http.js'
import { expectRefusal } from '../harness/refusal.js'
import type { Refusal } from '../harness/refusal.js'
import { textOf, toolCall } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'

const odd = useFixture('odd-http')
const cluster = useCluster(() => ({
  servers: { http: { url: odd().url }, stdio: oddStdioEntry },
}))

const mebibyte = 1024 * 1024
const entrances = ['nginx', 'instance'] as const
type Entrance = (typeof entrances)[number]
const baseOf = (entrance: Entrance): string =>
  entrance === 'nginx' ? cluster().gateway : cluster().instances[0]

const ways = entrances.flatMap((entrance) =>
  downstreams.flatMap((way) =>
    (['http', 'stdio'] as const).map((backend) => [way, backend, entrance] as const),
  ),
)

const notJson: Refusal = { status: 400, code: -32700, says: /not valid JSON; send one/ }
const notRpc = (says: RegExp, id: unknown = null): Refusal => ({
  status: 400,
  code: -32600,
  says,
  id,
})
const tooLarge: Refusal = { status: 413, code: -31413, says: /at most 4194304 bytes/ }

/** What a body can be instead of a message, and how that is told. */
const bodies: readonly (readonly [what: string, body: string, refusal: Refusal])[] = [
  ['nothing', '', notJson],
  ['text', 'tools/list', notJson],
  ['half a message', toolCall(1, 'echo').slice(0, -1), notJson],
  ['two messages', toolCall(1, 'echo') + toolCall(2, 'echo'), notJson],
  ['a big message that is cut off', toolCall(1, 'x'.repeat(100_000)).slice(0, -1), notJson],
  ['a string', '"tools/list"', notRpc(/send one JSON-RPC 2\.0 request/)],
  ['null', 'null', notRpc(/send one JSON-RPC 2\.0 request/)],
  ['an empty object', '{}', notRpc(/"jsonrpc" must be "2\.0"/)],
  ['a batch', `[${toolCall(1, 'echo')}]`, notRpc(/one message per POST/)],
  ['an empty batch', '[]', notRpc(/one message per POST/)],
  ['no method', '{"jsonrpc":"2.0","id":5}', notRpc(/request, notification or response/, 5)],
  ['JSON-RPC 1.0', '{"jsonrpc":"1.0","id":"old","method":"ping"}', notRpc(/"2\.0"/, 'old')],
  ['a method that is none', '{"jsonrpc":"2.0","id":6,"method":7}', notRpc(/"method" must be/, 6)],
  ['an id that is null', '{"jsonrpc":"2.0","id":null,"method":"ping"}', notRpc(/"id" must be/)],
  ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"ping"}', notRpc(/"id" must be/)],
]

describe.each(ways)(
  'a client of %s with a server over %s, through %s',
  (way, backend, entrance) => {
    const open = (): Promise<Conversation> => converse(way, { base: baseOf(entrance), backend })
    const goesOn = async (client: Conversation): Promise<void> => {
      expect(textOf(await client.ask(toolCall('next', 'echo', { text: 'goes on' })))).toBe(
        'goes on',
      )
    }

    it('is told what is wrong with a body, and loses nothing', async () => {
      const client = await open()
      for (const [what, body, refusal] of bodies) {
        const answer = await client.send(body)
        expect([what, answer.status]).toEqual([what, refusal.status])
        expectRefusal(answer, refusal)
        await goesOn(client)
      }
      await client.close()
    })

    it('is told of nonsense deep inside a big message, and loses nothing', async () => {
      const client = await open()
      const sound = toolCall(1, 'measure', { text: 'x'.repeat(100_000) })
      const answer = await client.send(sound.replace('"text":', '"text":oops,"more":'))
      if (way === 'sse' && answer.status === 202) {
        const told = JSON.parse(await client.stream!.message(({ id }) => id === 1))
        expect(told.error).toMatchObject({ code: -32700 })
      } else {
        // A server that speaks http says so itself: what passes through is not looked into, and what answers a call is its response.
        const status = way === 'call' && backend === 'http' ? 200 : 400
        expectRefusal(answer, { status, code: -32700, says: /not valid JSON/, id: 1 })
      }
      await goesOn(client)
      await client.close()
    })

    it('is told that a body is too large, and loses nothing', async () => {
      const client = await open()
      for (const size of [4 * mebibyte + 1, 6 * mebibyte]) {
        const body = toolCall(1, 'measure', { text: 'x'.repeat(size) })
        expectRefusal(await client.send(body), tooLarge)
        expectRefusal(await client.send(body, { 'transfer-encoding': 'chunked' }), tooLarge)
        await goesOn(client)
      }
      await client.close()
    })

    it('is told which Content-Type to send', async () => {
      const client = await open()
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])
        expectRefusal(await client.send(toolCall(1, 'echo'), { 'content-type': type }), {
          status: 415,
          code: -32000,
          says: /Content-Type: application\/json/,
          id: 1,
        })
      const fine = await client.send(toolCall(2, 'echo'), {
        'content-type': 'Application/JSON; charset=utf-8',
      })
      expect(fine.status).toBe(way === 'sse' ? 202 : 200)
      await goesOn(client)
      await client.close()
    })

    it('is told which methods its address takes', async () => {
      const client = await open()
      const answer = await ask(client.url, { method: 'PUT', headers: client.headers })
      const allow = way === 'http' ? 'GET, POST, DELETE' : 'POST'
      const says = new RegExp(`takes ${allow}`)
      expectRefusal(answer, { status: 405, code: -32000, says, headers: { allow } })
      await goesOn(client)
      await client.close()
    })

    it('is told which servers there are', async () => {
      const client = await open()
      const unknown = client.url.replace(`/${backend}`, '/nobody')
      const answer = await post(unknown, toolCall('who', 'echo'), client.headers)
      const says = /"nobody": known are mcp-server-v6, everything, http, stdio/
      expectRefusal(answer, { status: 404, code: -31404, says, id: 'who' })
      await goesOn(client)
      await client.close()
    })
  },
)
