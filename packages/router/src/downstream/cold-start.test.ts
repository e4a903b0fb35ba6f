import { setTimeout as wait } from 'node:timers/promises'
import type { RouterEvent } from '@mcp-router/core'
import { backendOf } from '@mcp-router/testkit/backend'
import { canAnswer, initialize, modernClient } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { openModernCommand, openUsual } from '@mcp-router/testkit/server'
import type { CommandOptions, TestCommand } from '@mcp-router/testkit/server'
import { useConcurrentTests } from '@mcp-router/testkit/test'
import { expect, it } from 'vitest'

useConcurrentTests()

/** Each process reads nothing before `startMs` have passed. */
const open = async (openServer: (options: CommandOptions) => Promise<TestCommand>, startMs = 0) => {
  const { endpoint, sessions } = await openServer({ onStart: () => wait(startMs) })
  const gateway = await openGateway({ backends: [backendOf('local', [endpoint])] })
  return { gateway, url: `${gateway.url}/mcp/local`, started: () => sessions.length }
}

it.each([
  ['with sessions, whose client cannot be asked', openUsual, {}],
  ['with sessions, whose client can be asked', openUsual, canAnswer],
  ['without sessions', openModernCommand, {}],
])('a first call at a command %s starts it once', async (_, server, capabilities) => {
  const { gateway, url, started } = await open(server)
  const told = await modernClient(url, { capabilities }).send('tools/call', { name: 'count' })
  expect(told.status).toBe(200)
  expect(started()).toBe(1)
  const opened = ({ kind, ...event }: RouterEvent): boolean =>
    kind === 'upstream' && 'action' in event && event.action === 'opened'
  expect(gateway.events.filter(opened)).toHaveLength(1)
})

it.concurrent.each([
  ['with sessions, whose client cannot be asked', openUsual, {}],
  ['with sessions, whose client can be asked', openUsual, canAnswer],
  ['without sessions', openModernCommand, {}],
])('a command %s that is slow to start is started once', async (_, server, capabilities) => {
  const { url, started } = await open(server, 6_000)
  const told = await modernClient(url, { capabilities }).send('tools/call', { name: 'count' })
  expect(told.status).toBe(200)
  expect(started()).toBe(1)
})

it('a process that only told what it speaks is no other session than its client opens', async () => {
  const { url, started } = await open(openUsual)
  await modernClient(url).send('tools/call', { name: 'count' })
  const { told } = await initialize(url)
  expect(told.status).toBe(200)
  expect(started()).toBe(2)
})
