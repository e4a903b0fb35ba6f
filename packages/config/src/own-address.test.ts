import { networkInterfaces } from 'node:os'
import { expect, it } from 'vitest'
import { isOfThisMachine } from './own-address.js'

const own = Object.values(networkInterfaces()).flatMap((each) => each ?? [])

it.each(['0.0.0.0', '::', '127.0.0.1', '127.3.2.1', ...own.map(({ address }) => address)])(
  '%s is an address of this machine',
  (address) => expect(isOfThisMachine(address)).toBe(true),
)

it.each(['192.0.2.7', '2001:db8::7'])('%s is none', (address) => {
  expect(isOfThisMachine(address)).toBe(false)
})

it('a name is of this machine where one of its addresses is', () => {
  expect(isOfThisMachine('name', () => ['192.0.2.7', '127.0.0.1'])).toBe(true)
  expect(isOfThisMachine('name', () => ['192.0.2.7'])).toBe(false)
  expect(isOfThisMachine('name', () => [])).toBe(false)
})

it('a name is looked up', () => {
  expect(isOfThisMachine('localhost')).toBe(true)
})
