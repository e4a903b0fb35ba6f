import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { privateRedisUrl, redisSocket } from './redis.js'

describe('the socket of the private Redis', () => {
  it('is in the run directory', () => {
    expect(redisSocket('/srv/run')).toBe('/srv/run/redis.sock')
  })

  it('is in the temporary directory of the system when the run directory is too long', () => {
    const long = `/srv/${'x'.repeat(100)}`
    expect(redisSocket(long)).toMatch(
      new RegExp(`^${tmpdir()}/mcp-router-[0-9a-f]{16}/redis.sock$`),
    )
    expect(redisSocket(`${long}y`)).not.toBe(redisSocket(long))
  })

  it('has a URL that survives spaces and signs in its path', () => {
    const url = privateRedisUrl('/srv/my run?#')
    expect(decodeURIComponent(new URL(url).pathname)).toBe('/srv/my run?#/redis.sock')
  })
})
