import {
  aRequest,
  backendOf,
  createEvents,
  createHeard,
  nodeEndpoint,
} from '@mcp-router/testkit/upstream'
import { expect, it, onTestFinished } from 'vitest'
import { openStdioUpstream } from './upstream.js'

/** Reads lines; `calls` are what it does with requests. */
const reading = (calls: string): string => `
  const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method } = JSON.parse(line)
    ${calls}
  })`

const open = async (script: string) => {
  const endpoint = nodeEndpoint(script)
  const [heard, events] = [createHeard(), createEvents()]
  const options = { endpoint, backend: backendOf(endpoint), listener: heard, events, env: {} }
  const upstream = await openStdioUpstream({ ...options, alivePatienceMs: 500 })
  onTestFinished(() => upstream.close())
  return { heard, upstream }
}

it('a process that answers neither a call before its deadline nor a ping is ended', async () => {
  const { heard, upstream } = await open(reading(''))
  await upstream.send(aRequest(1, 'tools/call'))
  upstream.cancel('1', true)
  expect(await heard.closed).toMatchObject({
    data: { reason: expect.stringContaining('nor a ping') },
  })
})

it.each([
  ['a result', 'if (method === "ping") say({ id, result: {} })'],
  ['an error', 'if (method === "ping") say({ id, error: { code: -32601, message: "no" } })'],
  ['anything else', 'if (method === "ping") say({ method: "notifications/message", params: {} })'],
])('one that says %s lives on, and nobody hears of the ping', async (_, answer) => {
  const { heard, upstream } = await open(
    reading(`if (method === 'tools/list') say({ id, result: { here: true } }); ${answer}`),
  )
  await upstream.send(aRequest(1, 'tools/call'))
  upstream.cancel('1', true)
  let isClosed = false
  void heard.closed.then(() => (isClosed = true))
  const began = performance.now()
  await expect.poll(() => performance.now() - began, { timeout: 2_000 }).toBeGreaterThan(800)
  expect(isClosed).toBe(false)
  await upstream.send(aRequest(2, 'tools/list'))
  const said = [await heard.next()]
  if (answer.includes('notifications/message')) said.push(await heard.next())
  expect(said.at(-1)).toMatchObject({ id: 2, result: { here: true } })
})

it('one that was only cancelled is not asked', async () => {
  const { heard, upstream } = await open(
    reading(`if (id === undefined) return; say({ id, result: { method } })`),
  )
  upstream.cancel('7')
  await upstream.send(aRequest(1, 'tools/list'))
  expect(await heard.next()).toMatchObject({ id: 1, result: { method: 'tools/list' } })
})

it('one that closes its stdout is ended: it could never answer', async () => {
  const { heard } = await open(
    `require('node:fs').closeSync(1); process.stdin.resume(); setInterval(() => undefined, 1_000)`,
  )
  expect(await heard.closed).toMatchObject({
    data: { reason: expect.stringContaining('closed its stdout') },
  })
})
