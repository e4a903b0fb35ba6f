import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createAdmission } from './admission.js'
import type { AdmissionRules } from './admission.js'

const secret = 'what-the-own-nginx-shows'
const rules: AdmissionRules = {
  accessToken: 'a-token',
  allowedHosts: ['localhost'],
  allowedOrigins: [],
  proxySecret: secret,
  trustedProxies: [],
}

const forwarding = {
  'x-request-id': 'r-1',
  'x-forwarded-for': '192.0.2.1',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'localhost',
  'x-forwarded-port': '443',
  'x-forwarded-prefix': '/gw',
  'x-real-ip': '192.0.2.1',
  forwarded: 'for=192.0.2.1',
}

/** What is left of the forwarding headers of a request from `address` once it was admitted. */
const left = (
  change: Partial<AdmissionRules>,
  address: string,
  more: Readonly<Record<string, string>> = {},
): readonly string[] => {
  const socket = Object.defineProperty(new Socket(), 'remoteAddress', { value: address })
  const headers = { host: 'localhost', authorization: 'Bearer a-token', ...forwarding, ...more }
  const req = Object.assign(new IncomingMessage(socket), { headers })
  createAdmission({ ...rules, ...change }).admit(req)
  return Object.keys(forwarding).filter((name) => req.headers[name] !== undefined)
}

const all = Object.keys(forwarding)

describe('what a proxy says of a client', () => {
  it('is believed from the own Nginx, which shows the secret', () => {
    expect(left({}, '127.0.0.1', { 'x-mcp-router-proxy': secret })).toEqual(all)
  })

  it.each(['', 'wrong', `${secret}x`, secret.toUpperCase()])(
    'is removed where %j is shown instead, also on this machine',
    (shown) => {
      expect(left({}, '127.0.0.1', { 'x-mcp-router-proxy': shown })).toEqual([])
    },
  )

  it('is removed where nobody is trusted', () => {
    expect(left({ proxySecret: undefined }, '127.0.0.1', { 'x-mcp-router-proxy': '' })).toEqual([])
  })

  it.each([
    ['loopback', '127.0.0.1'],
    ['loopback', '127.9.9.9'],
    ['loopback', '::1'],
    ['loopback', '::ffff:127.0.0.1'],
    ['10.0.0.0/8', '10.200.1.2'],
    ['10.0.0.0/8', '::ffff:10.200.1.2'],
    ['10.0.0.5', '10.0.0.5'],
    ['fd00::/8', 'fd12::1'],
  ])('is believed from %s when it comes from %s', (proxy, address) => {
    expect(left({ trustedProxies: ['192.0.2.77', proxy] }, address)).toEqual(all)
  })

  it.each([
    ['loopback', '10.0.0.1'],
    ['10.0.0.0/8', '11.0.0.1'],
    ['10.0.0.5', '10.0.0.6'],
    ['fd00::/8', '::1'],
    ['10.0.0.0/8', ''],
  ])('is not believed from %s when it comes from %j', (proxy, address) => {
    expect(left({ trustedProxies: [proxy] }, address)).toEqual([])
  })
})

describe('without a token, a request that a proxy forwards', () => {
  const forwarded = (headers: Readonly<Record<string, string>>): string => {
    const req = Object.assign(new IncomingMessage(new Socket()), {
      headers: { host: 'localhost', ...headers },
    })
    try {
      return createAdmission({ ...rules, accessToken: undefined }).admit(req).name
    } catch (error) {
      return (error as { code: string }).code
    }
  }

  it.each(['127.0.0.1', '::1', '127.0.0.1, 127.0.0.2', '::ffff:127.0.0.1'])(
    'of this machine (%s) is admitted',
    (chain) => {
      expect(forwarded({ 'x-forwarded-for': chain })).toBe('anonymous')
      expect(forwarded({ 'x-forwarded-for': chain })).toBe('anonymous')
    },
  )

  it.each([
    'for=127.0.0.1',
    'For="127.0.0.2:4711";proto=https;by=10.0.0.1',
    'for="[::1]:80", for=127.0.0.1 ; host=a',
  ])('of this machine (Forwarded: %s) is admitted', (chain) => {
    expect(forwarded({ forwarded: chain })).toBe('anonymous')
    expect(forwarded({ forwarded: chain })).toBe('anonymous')
  })

  it.each([
    'for=8.8.8.8',
    'for=127.0.0.1, for=8.8.8.8',
    'for=127.0.0.1;for=8.8.8.8',
    'for="127.0.0.1", FOR="[2001:db8::1]:80"',
    'for=127.0.0.1;host="a, for=8.8.8.8',
    'for=127.0.0.1, proto=https',
    'for=unknown',
    'for=_hidden',
    'for=',
    'proto=https',
    'x',
    '',
  ])('of anywhere else (Forwarded: %s) is refused', (chain) => {
    expect(forwarded({ forwarded: chain })).toBe('FORBIDDEN_CLIENT')
  })

  it.each([
    { 'cf-connecting-ip': '192.0.2.1' },
    { 'true-client-ip': '192.0.2.1' },
    { 'x-client-ip': '192.0.2.1' },
    { 'x-forwarded-for': '192.0.2.1' },
    { 'x-forwarded-for': '127.0.0.1, 192.0.2.1' },
    { 'x-forwarded-for': '192.0.2.1, 127.0.0.1' },
    { 'x-forwarded-for': 'unknown' },
    { 'x-forwarded-for': '' },
    { 'x-forwarded-for': '127.0.0.1:80' },
    { 'x-real-ip': '2001:db8::1' },
    { 'x-forwarded-for': '192.0.2.1', 'x-mcp-router-proxy': secret },
  ])('of anywhere else (%j) is refused', (headers) => {
    expect(forwarded(headers)).toBe('FORBIDDEN_CLIENT')
  })
})
