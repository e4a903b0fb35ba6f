import type { Random } from '@mcp-router/testkit/random'

/** soundEvents writes messages as SSE does. */
export const soundEvents = (messages: readonly Buffer[]): Buffer =>
  Buffer.concat(messages.flatMap((data) => [text('event: message\ndata: '), data, text('\n\n')]))

/** oddEvents writes messages as the SSE standard allows and few servers do, or as it forbids. */
export const oddEvents = (random: Random, messages: readonly Buffer[]): Buffer =>
  random.pick(kinds)(random, messages)

const text = (written: string): Buffer => Buffer.from(written)

type Encoding = (random: Random, messages: readonly Buffer[]) => Buffer

const around =
  (before: string, after: string): Encoding =>
  (_, messages) =>
    Buffer.concat([text(before), soundEvents(messages), text(after)])

/** each writes every message with the same words around it. */
const each =
  (before: string, after: string): Encoding =>
  (_, messages) =>
    Buffer.concat(messages.flatMap((data) => [text(before), data, text(after)]))

const kinds: readonly [Encoding, ...Encoding[]] = [
  each('data:', '\n\n'),
  each('data: ', '\r\r'),
  each('event: message\r\ndata: ', '\r\n\r\n'),
  each('data: ', '\r\n\n'),
  each('event: Message\ndata: ', '\n\n'),
  each('event: error\ndata: ', '\n\n'),
  each('event: endpoint\ndata: ', '\n\n'),
  each('event: ping\ndata: ', '\n\n'),
  each('id: \u0000\nretry: -1\ndata: ', '\n\n'),
  each(`id: ${'9'.repeat(70_000)}\nretry: 99999999999999999999\ndata: `, '\n\n'),
  each('id: é\u2028😀\nevent: \u0001\ndata: ', '\n\n'),
  each('id\nretry\nevent\ndata\ndata: ', '\n\n'),
  each('DATA: ', '\n\n'),
  each(' data: ', '\n\n'),
  each('data: ', '\ndata: ,\n\n'),
  each('data: ', '\n'),
  each('', '\n\n'),
  each('data: \ndata: \ndata: ', '\ndata: \n\n'),
  around('\ufeff', ''),
  around('id: 1\ndata:\n\n', ''),
  around('id: 1\nretry: 1\ndata: \n\n', ''),
  around(': a comment\n'.repeat(5_000), ''),
  around('\n'.repeat(50_000), ''),
  around(`: ${'x'.repeat(2_000_000)}\n`, ''),
  around(`${'x'.repeat(300_000)}: y\n`, ''),
  around('', `data: ${'{'.repeat(1_000)}`),
  around('', 'data: half an event'),
  around('HTTP/1.1 200 OK\r\n\r\n', ''),
  (random, messages) => {
    const bytes = soundEvents(messages)
    for (let times = random.below(5); times >= 0; times--)
      bytes[random.below(bytes.length)] = random.below(256)
    return bytes
  },
  (random, messages) => {
    const bytes = soundEvents(messages)
    return bytes.subarray(0, random.below(bytes.length))
  },
  // One piece of JSON per line, as the standard has it for data of several lines.
  (_, messages) =>
    Buffer.concat(
      messages.map((data) => text(`data: ${data.toString().replaceAll(',"', ',\ndata: "')}\n\n`)),
    ),
]
