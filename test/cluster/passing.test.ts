import { describe, expect, it } from 'vitest'
import { oddStdioEntry } from '../harness/backends.js'
import { converse, downstreams } from '../harness/conversation.js'
import type { Conversation } from '../harness/conversation.js'
import { useFixture } from '../harness/fixture.js'
import { textOf, toolCall } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'

const odd = useFixture('odd-http')
const cluster = useCluster(() => ({
  servers: { http: { url: odd().url }, stdio: oddStdioEntry },
}))

const mebibyte = 1024 * 1024
const ways = (['http', 'stdio'] as const).flatMap((backend) =>
  downstreams.map((way) => [way, backend] as const),
)

const open = (way: Conversation['downstream'], backend: string): Promise<Conversation> =>
  converse(way, { base: cluster().gateway, backend })

/** Members that no revision knows, numbers that JavaScript would write otherwise, and white space. */
const strange = (id: number): string =>
  `{ "method" : "tools/call","x-own":{"n":1.50,"big":123456789012345678901234567890,"e":1E+2},\t"id": ${id} ,` +
  `"params":{"name":"echo","arguments":{"text":"\\u00fc"},"x":[null],"_meta":{"a/b":"c"}},"jsonrpc":"2.0"}`

describe.each(ways)('what clients of %s say to a server over %s', (way, backend) => {
  it('arrives with every member, number and space that nobody knows', async () => {
    const client = await open(way, backend)
    const answer = await client.ask(strange(7))
    const { result } = JSON.parse(answer) as { result: { received: string } }
    const withoutId = (text: string): string => text.replace(/"id":\s*\d+/, '"id":*')
    expect(withoutId(result.received)).toBe(withoutId(strange(7)))
    if (way !== 'call') expect(result.received).toBe(strange(7))
    await client.close()
  })

  it('may be written over many lines', async () => {
    const client = await open(way, backend)
    const params = { name: 'echo', arguments: { text: 'a\nb', as: 'lines' } }
    const message = { jsonrpc: '2.0', id: 3, method: 'tools/call', params }
    for (const newline of ['\n', '\r\n', '\r']) {
      const lines = JSON.stringify(message, null, 2).replaceAll('\n', newline)
      expect(textOf(await client.ask(lines))).toBe('a\nb')
    }
    await client.close()
  })

  it('may have an argument of 1 MiB and a result of 5 MiB', async () => {
    const client = await open(way, backend)
    const argument = 'ü'.repeat(mebibyte / 2)
    const measured = await client.ask(toolCall(1, 'measure', { text: argument }))
    expect(textOf(measured)).toBe(String(mebibyte / 2))
    for (const as of backend === 'http' ? ['json', 'sse'] : ['line']) {
      const answer = await client.ask(toolCall(as, 'huge', { bytes: 5 * mebibyte, as }))
      expect(textOf(answer).length).toBe(5 * mebibyte)
      expect(JSON.parse(answer)).toMatchObject({ id: as })
    }
    await client.close()
  })
})

describe.each(ways)('what a server says to clients of %s over %s', (way, backend) => {
  it('arrives with every member that nobody knows', async () => {
    const client = await open(way, backend)
    const answer = JSON.parse(await client.ask(toolCall(1, 'echo', { text: 'x' })))
    expect(answer).toMatchObject({
      'x-envelope': [],
      result: { 'x-odd': { deep: [1, 2.5, { '': null }], sign: '\u2028', big: 1e300 } },
    })
    await client.close()
  })
})

it.each(downstreams)('puts together for %s what a server sends in pieces', async (way) => {
  const client = await open(way, 'http')
  const answer = await client.ask(toolCall(1, 'echo', { text: 'ü€😀', as: 'pieces' }))
  expect(textOf(answer)).toBe('ü€😀')
  await client.close()
})

it('sends the bytes of a server as they are to an http client', async () => {
  const client = await open('http', 'http')
  const answer = await client.send(toolCall(1, 'echo', { text: 'x' }))
  expect(answer.text.startsWith('\n\n{ "x-envelope" : [ ] ,\t"result"\t: ')).toBe(true)
  expect(answer.text.endsWith('"jsonrpc" : "2.0" , "id" :   1 }\r\n')).toBe(true)
  await client.close()
})
