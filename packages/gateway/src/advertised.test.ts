import { describe, expect, it } from 'vitest'
import { advertisedAddress, warnAdvertised } from './advertised.js'

const redisUrl = 'redis://127.0.0.1:6379'
const config = { host: '0.0.0.0', advertisedHost: undefined, redisUrl }

describe('the address that other instances are given', () => {
  it.each([
    [undefined, 'http://0.0.0.0:8051'],
    ['10.0.0.5', 'http://10.0.0.5:8051'],
    ['router-1.internal', 'http://router-1.internal:8051'],
    ['fd00::5', 'http://[fd00::5]:8051'],
  ])('is of the host %s, at the port that is listened on', (advertisedHost, expected) => {
    const address = advertisedAddress({ ...config, advertisedHost }, 'http://0.0.0.0:8051')
    expect(address).toBe(expected)
  })

  it.each([
    [{}, true],
    [{ host: '::' }, true],
    [{ host: '10.0.0.5' }, false],
    [{ advertisedHost: '10.0.0.5' }, false],
    [{ redisUrl: undefined }, false],
  ])('is a mistake where it is that of every machine: %j', (change, isMistake) => {
    const lines: string[] = []
    warnAdvertised({ warn: (text) => lines.push(text) }, { ...config, ...change })
    expect(lines).toHaveLength(isMistake ? 1 : 0)
  })
})
