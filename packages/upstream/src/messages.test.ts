import { describe, expect, it } from 'vitest'
import { failedAnswer, messagesIn } from './messages.js'

const ids = (line: string) => messagesIn('local', Buffer.from(line)).map(({ id }) => id)
const answer = '{"jsonrpc":"2.0","id":1,"result":{"a":"}{"}}'
const other = '{"jsonrpc":"2.0","id":2,"result":{}}'

describe('the messages of a line', () => {
  it.each([
    ['alone', answer, ['1']],
    ['behind a byte order mark', `\ufeff${answer}`, ['1']],
    ['behind what a library logged', `INFO ready ${answer}`, ['1']],
    ['behind an object that is none', `{"level":"info","id":9} ${answer}`, ['1']],
    ['behind an open brace', `loading { ${answer}`, ['1']],
    ['before what a library logged', `${answer}done`, ['1']],
    ['one behind the other', answer + other, ['1', '2']],
    ['none', 'INFO {"level":"info"}', []],
    ['cut off', answer.slice(0, 30), []],
  ])('are found: %s', (_, line, found) => {
    expect(ids(line)).toEqual(found)
  })

  it('are errors for the calls whose responses are none', () => {
    const bad = '{"id":3,"jsonrpc":"2.0","error":"boom"}'
    const [first, second] = messagesIn('local', Buffer.from(answer + bad))
    expect(first?.bytes.toString()).toBe(answer)
    expect(JSON.parse(String(second?.bytes))).toMatchObject({
      id: 3,
      error: { code: -31502, message: expect.stringContaining('an error must be an object') },
    })
  })

  it('cost no more where a line is full of braces', () => {
    const start = performance.now()
    expect(ids('{'.repeat(1_000_000))).toEqual([])
    expect(performance.now() - start).toBeLessThan(1_000)
  })
})

describe('an answer that cannot be read', () => {
  const failed = (line: string) => failedAnswer('local', Buffer.from(line), 'why')?.bytes.toString()

  it('fails the call that it names', () => {
    const told = JSON.parse(
      failed('{"jsonrpc":"2.0","id":"a","resultINFO x":{}') ?? '{}',
    ) as unknown
    expect(told).toEqual({})
    expect(failed('{"jsonrpc":"2.0", "id": "a","result":{INFO x')).toContain('"id":"a"')
    expect(failed('{"jsonrpc":"2.0","id":7,"error":')).toContain('(why)')
  })

  it('fails none that it only speaks of', () => {
    expect(failed('{"result":{"text":"{\\"jsonrpc\\":\\"2.0\\",\\"id\\":1,\\"result\\":')).toBe(
      undefined,
    )
    expect(failed('{"jsonrpc":"2.0","id":1,"method":"roots/list')).toBe(undefined)
  })
})
