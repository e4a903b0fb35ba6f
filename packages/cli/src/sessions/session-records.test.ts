import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createProgram } from '../program.js'
import { withoutCredentials } from '../redis.js'

const list = (env: Record<string, string>): Promise<unknown> =>
  createProgram(env).parseAsync(['sessions', 'list'], { from: 'user' })

it('says that the cluster is not running, and how it is started', async () => {
  const runDir = mkdtempSync(join(tmpdir(), 'sessions-'))
  onTestFinished(() => rmSync(runDir, { recursive: true }))
  await expect(list({ MCP_RUN_DIR: runDir })).rejects.toThrow(
    `no Redis runs in ${runDir}: start the cluster (scripts/start-instances.sh start), or set REDIS_URL; the sessions of a serve without REDIS_URL are in its memory, and in no list`,
  )
})

it('names the Redis that does not answer, without its password', async () => {
  const listing = list({ REDIS_URL: 'redis://me:s3cret@127.0.0.1:1/2' })
  await expect(listing).rejects.toThrow(
    /^redis:\/\/127\.0\.0\.1:1\/2 cannot be used \(.*\): start it, or correct REDIS_URL, its database too$/,
  )
})

it.each([
  ['redis://h:1', 'redis://h:1'],
  ['rediss://u:p%40@h:1/2', 'rediss://h:1/2'],
  ['redis+sentinel://:p@a:1,b:2/name?sentinelPassword=q', 'redis+sentinel://a:1,b:2/name'],
  ['redis+cluster://u:a@b@h:1', 'redis+cluster://h:1'],
  ['unix:///run/redis.sock', 'unix:///run/redis.sock'],
])('%s is shown as %s', (url, shown) => {
  expect(withoutCredentials(url)).toBe(shown)
})
