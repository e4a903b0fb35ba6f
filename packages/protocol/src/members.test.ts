import { expect, it } from 'vitest'
import { Members } from './members.js'

const matchOf = (key: string, ...names: string[]) => {
  const bytes = Buffer.from(`"${key}"`)
  return new Members(...names).match(bytes, 1, bytes.length - 1)
}

it.each([
  ['id', 'id'],
  ['_meta', '_meta'],
  ['taskId', 'taskId'],
  ['\\u0069d', 'id'],
])('a key %s is the name %s', (key, name) => {
  expect(matchOf(key, 'jsonrpc', name)).toEqual({ name, isExact: true })
})

it.each([
  ['ID', 'id'],
  ['taskID', 'taskId'],
  ['TASKID', 'taskId'],
  ['_META', '_meta'],
  ['i\\u0044', 'id'],
  ['paramſ', 'params'],
  ['ta\u{212a}', 'tak'],
])('a key %s equals the name %s but for case', (key, name) => {
  expect(matchOf(key, 'jsonrpc', name)).toEqual({ name, isExact: false })
})

it.each([
  ['ix', 'id'],
  ['idx', 'id'],
  ['', 'id'],
  // What the case bit makes of a character that is no letter.
  ['\u007fmeta', '_meta'],
  ['i\\u00e4', 'id'],
])('a key %j is not the name %s', (key, name) => {
  expect(matchOf(key, 'jsonrpc', name)).toBeUndefined()
})
