import { describe, expect, it } from 'vitest'
import { createHeadReader } from './head.js'

const head = (more = ''): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2${more}`

describe('createHeadReader', () => {
  it('reads the same head once', () => {
    const readHead = createHeadReader()
    expect(readHead(head())).toBe(readHead(head()))
    expect(readHead(head())).toEqual({
      status: 200,
      keepAlive: true,
      headers: { 'content-type': 'application/json', 'content-length': '2' },
    })
  })

  it('never takes one head for another', () => {
    const readHead = createHeadReader()
    for (let n = 0; n < 500; n++) {
      const { headers } = readHead(head(`\r\nX-Count: ${n % 130}`))
      expect(headers['x-count']).toBe(String(n % 130))
    }
  })

  it('keeps no cookies, and none of a head that is long', () => {
    const readHead = createHeadReader()
    for (const more of ['\r\nSet-Cookie: a=1', `\r\nX-Long: ${'x'.repeat(1_024)}`])
      expect(readHead(head(more))).not.toBe(readHead(head(more)))
  })

  it('refuses a head that is none each time', () => {
    const readHead = createHeadReader()
    for (let n = 0; n < 2; n++) expect(() => readHead('HTTP/2 200')).toThrow('invalid HTTP')
  })
})
