import { describe, expect, it } from 'vitest'
import { parseRedisUrl } from './redis-address.js'

const here = { host: '127.0.0.1', port: 6379 }
const plain = { tls: false }

describe('a Redis URL', () => {
  it.each([
    ['redis://127.0.0.1', { kind: 'single', host: here, login: plain, db: 0 }],
    ['redis://127.0.0.1:6379/', { kind: 'single', host: here, login: plain, db: 0 }],
    [
      'rediss://ada:s%40cret@[::1]:7000/2',
      {
        kind: 'single',
        host: { host: '::1', port: 7000 },
        login: { tls: true, username: 'ada', password: 's@cret' },
        db: 2,
      },
    ],
    [
      'redis://:secret@127.0.0.1:6379?family=0',
      { kind: 'single', host: here, login: { tls: false, password: 'secret' }, db: 0 },
    ],
    ['unix:///run/redis.sock', { kind: 'socket', path: '/run/redis.sock', db: 0 }],
    ['unix:///run/my%20redis.sock?db=3', { kind: 'socket', path: '/run/my redis.sock', db: 3 }],
    ['/run/redis.sock', { kind: 'socket', path: '/run/redis.sock', db: 0 }],
    [
      'redis+sentinel://a,b:26380/mymaster/1?sentinelPassword=guard',
      {
        kind: 'sentinel',
        sentinels: [
          { host: 'a', port: 26379 },
          { host: 'b', port: 26380 },
        ],
        sentinelPassword: 'guard',
        master: 'mymaster',
        login: plain,
        db: 1,
      },
    ],
    [
      'rediss+cluster://ada:secret@a:7000,b:7001',
      {
        kind: 'cluster',
        nodes: [
          { host: 'a', port: 7000 },
          { host: 'b', port: 7001 },
        ],
        login: { tls: true, username: 'ada', password: 'secret' },
      },
    ],
  ])('%s is understood', (url, address) => {
    expect(parseRedisUrl(url)).toEqual(address)
  })

  it.each([
    '',
    'localhost:6379',
    'http://127.0.0.1:6379',
    'redis://',
    'redis://a:1,b:2',
    'redis://a:port',
    'redis://a/one',
    'redis://a/1/2',
    'redis://%zz@a',
    'unix://relative.sock',
    'redis+sentinel://a:1',
    'redis+sentinel://a:1/mymaster/1/2',
    'redis+cluster://a:1/1',
  ])('"%s" is refused with the forms there are', (url) => {
    expect(() => parseRedisUrl(url)).toThrow(/^the Redis URL .*redis\+sentinel:\/\//)
  })

  it('is not quoted when it is refused, since it may hold a password', () => {
    expect(() => parseRedisUrl('redis://:hunter/two@host')).toThrow(/^(?!.*(hunter|two))/)
  })
})
