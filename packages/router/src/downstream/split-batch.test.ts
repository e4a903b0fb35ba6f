import { expect, it } from 'vitest'
import { splitBatch } from './split-batch.js'

const split = (text: string, limit = 100): readonly string[] =>
  splitBatch(Buffer.from(text), limit).map(String)

it.each([
  ['[]', []],
  [' [\n\t] ', []],
  ['[1]', ['1']],
  ['\n[ {"a":1.50} ,\r\n"b" ]\n', [' {"a":1.50} ', '\r\n"b" ']],
  ['[[1,2],{"a":[3,{"b":4}]},null]', ['[1,2]', '{"a":[3,{"b":4}]}', 'null']],
  ['["a,]","}\\"],[","\\\\",{"]":"[,"}]', ['"a,]"', '"}\\"],["', '"\\\\"', '{"]":"[,"}']],
  ['["é😀","\\ud800"]', ['"é😀"', '"\\ud800"']],
])('cuts %j into its members, each as it was written', (text, members) => {
  expect(split(text)).toEqual(members)
})

it('stops at the limit', () => {
  expect(split(`[${'0,'.repeat(1_000)}0]`, 3)).toEqual(['0', '0', '0'])
})
