import type { RouterEvent } from '@mcp-router/core'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { backendOf, nodeEndpoint } from '@mcp-router/testkit/backend'
import { canAnswer, initialize, modernClient } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { modernCommand, stdioServer } from '@mcp-router/testkit/server'
import { expect, it, onTestFinished } from 'vitest'

/** Notes each process that is started; it reads nothing before `startMs` have passed. */
const slow = (file: string, startMs: number, server: string): string => `
  require('node:fs').appendFileSync(${JSON.stringify(file)}, process.pid + '\\n')
  setTimeout(() => { ${server} }, ${startMs})`

const open = async (server: string, startMs = 0) => {
  const folder = mkdtempSync(join(tmpdir(), 'cold-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'started')
  const endpoint = nodeEndpoint(slow(file, startMs, server))
  const gateway = await openGateway({ backends: [backendOf('local', [endpoint])] })
  const started = (): number => readFileSync(file, 'utf8').trim().split('\n').length
  return { gateway, url: `${gateway.url}/mcp/local`, started }
}

it.each([
  ['with sessions, whose client cannot be asked', stdioServer, {}],
  ['with sessions, whose client can be asked', stdioServer, canAnswer],
  ['without sessions', modernCommand, {}],
])('a first call at a command %s starts it once', async (_, server, capabilities) => {
  const { gateway, url, started } = await open(server)
  const told = await modernClient(url, { capabilities }).send('tools/call', { name: 'count' })
  expect(told.status).toBe(200)
  expect(started()).toBe(1)
  const opened = ({ kind, ...event }: RouterEvent): boolean =>
    kind === 'upstream' && 'action' in event && event.action === 'opened'
  expect(gateway.events.filter(opened)).toHaveLength(1)
})

it.each([
  ['with sessions, whose client cannot be asked', stdioServer, {}],
  ['with sessions, whose client can be asked', stdioServer, canAnswer],
  ['without sessions', modernCommand, {}],
])('a command %s that is slow to start is started once', async (_, server, capabilities) => {
  const { url, started } = await open(server, 6_000)
  const told = await modernClient(url, { capabilities }).send('tools/call', { name: 'count' })
  expect(told.status).toBe(200)
  expect(started()).toBe(1)
})

it('a process that only told what it speaks is no other session than its client opens', async () => {
  const { url, started } = await open(stdioServer)
  await modernClient(url).send('tools/call', { name: 'count' })
  const { told } = await initialize(url)
  expect(told.status).toBe(200)
  expect(started()).toBe(2)
})
