import { describe, expect, it } from 'vitest'
import { scanMessage } from './message.js'
import { isStrayProgress, progressTokenOf } from './progress.js'

const message = (members: string) => scanMessage(Buffer.from(`{"jsonrpc":"2.0",${members}}`))
const progress = (token: string) =>
  message(`"method":"notifications/progress","params":{"progressToken":${token},"progress":1}`)

describe('progressTokenOf', () => {
  it.each([
    ['a number', '7', '7'],
    ['the same number in another spelling', '7.0', '7'],
    ['a string', '"a"', '"a"'],
    ['the same string in another spelling', '"\\u0061"', '"a"'],
    ['null', 'null', undefined],
    ['an object', '{}', undefined],
  ])('reads %s from a request and from a notification', (_, written, token) => {
    const request = message(
      `"id":1,"method":"tools/call","params":{"progressToken":0,"_meta":{"progressToken":${written}}}`,
    )
    expect([progressTokenOf(request), progressTokenOf(progress(written))]).toEqual([token, token])
  })

  it.each([
    ['a request that asks for none', '"id":1,"method":"m","params":{"_meta":{}}'],
    ['a request without params', '"id":1,"method":"m"'],
    ['another notification', '"method":"m","params":{"progressToken":1}'],
    ['a response', '"id":1,"result":{"_meta":{"progressToken":1}}'],
  ])('finds none in %s', (_, members) => {
    expect(progressTokenOf(message(members))).toBeUndefined()
  })
})

describe('isStrayProgress', () => {
  const isAsked = (token: string): boolean => token === '"mine"'

  it('is progress for a token that no request has, or without one', () => {
    const without = message('"method":"notifications/progress","params":{"progress":1}')
    const bare = message('"method":"notifications/progress"')
    const all = [progress('"mine"'), progress('"other"'), progress('1'), without, bare]
    expect(all.map((each) => isStrayProgress(each, isAsked))).toEqual([
      false,
      true,
      true,
      true,
      true,
    ])
  })

  it('is no other message', () => {
    const log = message('"method":"notifications/message","params":{"progressToken":1}')
    const answer = message('"id":1,"result":{}')
    expect([log, answer].some((each) => isStrayProgress(each, isAsked))).toBe(false)
  })
})
