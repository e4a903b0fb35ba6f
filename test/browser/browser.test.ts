import { describe, expect, it } from 'vitest'
import { useCluster } from '../harness/use-cluster.js'
import { usePageServer } from './page-server.js'

// A page in Debian's Chromium, with the SDKs as an application bundles them, from another origin than the router's.

const listed = usePageServer()
const stranger = usePageServer()
const cluster = useCluster(() => ({
  env: { ALLOWED_ORIGINS: listed().origin },
  servers: { missing: { command: 'no-such-command-here' } },
}))

const taskAt = (base: string) => ({ base, server: 'mcp-server-v6' })

const answered = {
  'raw fetch': '3 200',
  EventSource: '3',
  'SDK 1, Streamable HTTP': '3',
  'SDK 1, HTTP+SSE': '3',
  'SDK 2, 2025-11-25': '3',
  'SDK 2, 2026-07-28': '3',
  'unknown session': '404',
  'unknown address': '404',
  'unreachable server': expect.stringMatching(/^50[23]/),
}

describe('a page of a listed origin', () => {
  it('reaches the router through Nginx in every way, and reads what refuses it', async () => {
    const report = await listed().show(taskAt(cluster().gateway))
    expect(report).toEqual({ ...answered, 'address of Nginx': '404' })
  })

  it('reaches an instance likewise', async () => {
    const report = await listed().show(taskAt(cluster().instances[0]))
    expect(report).toEqual({ ...answered, 'address of Nginx': '404' })
  })
})

it('a page of any other origin reaches nothing', async () => {
  const report = await stranger().show(taskAt(cluster().gateway))
  expect(Object.keys(report)).toEqual(expect.arrayContaining(Object.keys(answered)))
  for (const [way, outcome] of Object.entries(report))
    expect([way, outcome]).toEqual([way, expect.stringMatching(/^failed: /)])
})
