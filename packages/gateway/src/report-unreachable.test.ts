import { RouterError } from '@mcp-router/core'
import { expect, it } from 'vitest'
import { reportUnreachable } from './report-unreachable.js'

it.each([
  ['connect ECONNREFUSED 127.0.0.1:1', 'connection refused; start Redis or correct REDIS_URL'],
  [
    'database 99 cannot be used: DB index is out of range',
    'database 99 cannot be used: DB index is out of range; correct the database in REDIS_URL',
  ],
])('says what to do where Redis cannot be used (%s)', (reason, says) => {
  const health = () => ({ up: false, since: 0, reason }) as const
  const tell = reportUnreachable('redis://user:secret@127.0.0.1:1/99', { health })
  expect(() => tell(new RouterError('STORE_UNAVAILABLE'))).toThrow(
    `REDIS_URL redis://127.0.0.1:1/99: ${says}`,
  )
})
