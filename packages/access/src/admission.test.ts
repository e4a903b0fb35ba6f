import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createAdmission } from './admission.js'
import type { AdmissionRules } from './admission.js'

const rules: AdmissionRules = {
  accessToken: undefined,
  allowedHosts: ['localhost', 'MCP.example'],
  allowedOrigins: ['https://app.example'],
  proxySecret: 'shown',
  trustedProxies: [],
}

/** Who comes with these headers: the Principal's name, or the code of the refusal. */
const comes = (
  headers: IncomingMessage['headers'],
  change: Partial<AdmissionRules> = {},
): string => {
  const req = Object.assign(new IncomingMessage(new Socket()), { headers })
  try {
    return createAdmission({ ...rules, ...change }).admit(req).name
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('a host', () => {
  it.each([
    'localhost',
    'localhost:8080',
    'LOCALHOST:8080',
    'mcp.example',
    'mcp.EXAMPLE:443',
    '127.0.0.1:8051',
    '10.1.2.3',
    '[::1]:8051',
    '[fe80::1]',
  ])('%s is admitted', (host) => {
    expect(comes({ host })).toBe('anonymous')
  })

  it.each([
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    'evil.example:8051',
    'mcp.example.',
    'user@localhost',
    'localhost/..',
    'localhost:port',
    'localhost:123456',
    '127.0.0.1.evil.example',
    '[localhost]',
    '::1',
    '999.1.1.1',
  ])('%j is not: a name that an attacker may rebind', (host) => {
    expect(comes(host === undefined ? {} : { host })).toBe('FORBIDDEN_HOST')
  })

  it('that a trusted proxy forwards is judged as well', () => {
    const forwards = (name: string) =>
      comes({ host: 'localhost', 'x-forwarded-host': name, 'x-mcp-router-proxy': 'shown' })
    expect(forwards('mcp.example')).toBe('anonymous')
    expect(forwards('evil.example')).toBe('FORBIDDEN_HOST')
  })

  it('is judged the same the second time', () => {
    const admission = createAdmission(rules)
    const req = (host: string) =>
      Object.assign(new IncomingMessage(new Socket()), { headers: { host } })
    for (let times = 0; times < 2; times++) {
      expect(admission.admit(req('localhost'))).toEqual({ name: 'anonymous' })
      expect(() => admission.admit(req('evil.example'))).toThrow('Host evil.example is not allowed')
    }
  })
})

describe('an origin', () => {
  it.each([
    ['none: no browser', undefined],
    ['the page’s own', 'http://127.0.0.1:8051'],
    ['one that is listed', 'https://app.example'],
  ])('is admitted: %s', (_, origin) => {
    expect(comes({ host: '127.0.0.1:8051', ...(origin && { origin }) })).toBe('anonymous')
  })

  it.each([
    ['mcp.example', 'https://mcp.example'],
    ['mcp.example:443', 'https://mcp.example'],
    ['MCP.example:8443', 'https://mcp.example:8443'],
  ])('of the host %s is admitted: %s', (host, origin) => {
    expect(comes({ host, origin })).toBe('anonymous')
  })

  it('of the host that a trusted proxy forwards is admitted, and of no other', () => {
    const headers = { host: 'localhost:8051', 'x-forwarded-host': 'mcp.example' }
    const origin = 'https://mcp.example'
    const trusted = { ...headers, origin, 'x-mcp-router-proxy': 'shown' }
    expect(comes(trusted)).toBe('anonymous')
    expect(comes({ ...headers, origin })).toBe('FORBIDDEN_ORIGIN')
  })

  it.each([
    'https://evil.example',
    'http://app.example',
    'https://app.example:8443',
    'https://sub.app.example',
    'https://app.example.evil.example',
    'http://127.0.0.1:9999',
    // Another program of this machine, or another host that may be addressed: no page of ours.
    'http://localhost:5173',
    'https://mcp.example',
    'null',
    'file://',
    'chrome-extension://localhost',
    '',
  ])('%j is refused', (origin) => {
    expect(comes({ host: '127.0.0.1:8051', origin })).toBe('FORBIDDEN_ORIGIN')
  })

  it('does not matter where the host is wrong already', () => {
    const headers = { host: 'evil.example', origin: 'http://evil.example' }
    expect(comes(headers)).toBe('FORBIDDEN_HOST')
  })
})

describe('what a page embeds, which has no Origin,', () => {
  it.each(['same-origin', 'none'])('is admitted where its site is %s', (site) => {
    expect(comes({ host: 'localhost', 'sec-fetch-site': site })).toBe('anonymous')
  })

  it.each(['cross-site', 'same-site', 'Cross-Site', ''])(
    'is refused where its site is %j',
    (site) => {
      expect(comes({ host: 'localhost', 'sec-fetch-site': site })).toBe('FORBIDDEN_SITE')
    },
  )

  it('is refused before the token is asked for', () => {
    const headers = { host: 'localhost', 'sec-fetch-site': 'cross-site' }
    expect(comes(headers, { accessToken: 's3cret-9' })).toBe('FORBIDDEN_SITE')
  })
})

describe('a page of another site', () => {
  const headers = { host: '127.0.0.1:8051', 'sec-fetch-site': 'cross-site' }

  it('is admitted where its origin is listed', () => {
    expect(comes({ ...headers, origin: 'https://app.example' })).toBe('anonymous')
  })

  it('is refused where it is not, whatever it says', () => {
    expect(comes({ ...headers, origin: 'https://evil.example' })).toBe('FORBIDDEN_ORIGIN')
    expect(comes({ ...headers, origin: 'http://127.0.0.1:8051' })).toBe('FORBIDDEN_ORIGIN')
  })
})

describe('a token', () => {
  const accessToken = 's3cret-9'

  it.each([`Bearer ${accessToken}`, `bearer ${accessToken}`, `BEARER   ${accessToken}`])(
    '%j is admitted',
    (authorization) => {
      expect(comes({ host: 'localhost', authorization }, { accessToken })).toBe('access-token')
    },
  )

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer s3cret',
    `Bearer ${accessToken} `,
    `Bearer ${accessToken}x`,
    `Bearer S3CRET-9`,
    accessToken,
    `Basic ${accessToken}`,
    `Bearer\t${accessToken}`,
  ])('%j is not', (authorization) => {
    const headers = { host: 'localhost', ...(authorization !== undefined && { authorization }) }
    expect(comes(headers, { accessToken })).toBe('UNAUTHENTICATED')
  })

  it('is not asked for where none is set', () => {
    expect(comes({ host: 'localhost', authorization: 'Bearer whatever' })).toBe('anonymous')
  })

  it('does not help a wrong host or origin', () => {
    const authorization = `Bearer ${accessToken}`
    const host = 'localhost'
    expect(comes({ host: 'evil.example', authorization }, { accessToken })).toBe('FORBIDDEN_HOST')
    const origin = 'https://evil.example'
    expect(comes({ host, origin, authorization }, { accessToken })).toBe('FORBIDDEN_ORIGIN')
  })
})
