import { expect, it } from 'vitest'
import { scanMessage } from './message.js'
import { toolNameOf } from './tool-name.js'

const nameIn = (method: string, params: string) =>
  toolNameOf(scanMessage(Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"${method}"${params}}`)))

it.each([
  [',"params":{"name":"read","arguments":{}}', 'read'],
  [', "params" : { "arguments":{"name":"inner"} , "name" : "é😀" }', 'é😀'],
  [String.raw`,"params":{"name":"a\"\u0062\\"}`, 'a"b\\'],
  [',"params":{"name":""}', ''],
])('the tool of %s is read', (params, name) => {
  expect(nameIn('tools/call', params)).toBe(name)
})

it.each(['', ',"params":{}', ',"params":[]', ',"params":{"name":7}', ',"params":{"name":null}'])(
  'there is none in a call with «%s»',
  (params) => {
    expect(nameIn('tools/call', params)).toBeUndefined()
  },
)

it('only calls name one', () => {
  expect(nameIn('prompts/get', ',"params":{"name":"read"}')).toBeUndefined()
})
