import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { backendOf, createEvents, createHeard, nodeEndpoint } from '@mcp-router/testkit/upstream'
import { expect, it, onTestFinished } from 'vitest'
import { openStdioUpstream } from './upstream.js'

/** A process holds a line to this port for as long as it lives: pids may be zombies, sockets may not. */
const openLines = async () => {
  const lines: Socket[] = []
  const server = createServer((socket) => lines.push(socket.on('error', () => undefined)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  return { lines, port: (server.address() as AddressInfo).port }
}

/** A child with a child of its own, which shares its process group and none of its pipes. */
const family = (port: number, child: string, grandchild: string): string => `
  ${child}
  require('node:child_process').spawn(
    process.execPath,
    ['-e', ${JSON.stringify(`${grandchild}; require('node:net').connect(${port}, '127.0.0.1')`)}],
    { stdio: 'ignore' },
  ).unref()
  require('node:net').connect(${port}, '127.0.0.1').unref()
  console.log('{"jsonrpc":"2.0","id":1,"result":{}}')
  process.stdin.resume()`

const open = async (child: string, grandchild: string) => {
  const { lines, port } = await openLines()
  const endpoint = nodeEndpoint(family(port, child, grandchild))
  const [heard, events, backend] = [createHeard(), createEvents(), backendOf(endpoint)]
  const upstream = await openStdioUpstream({ endpoint, backend, listener: heard, events, env: {} })
  onTestFinished(() => upstream.close())
  await expect.poll(() => lines.length, { timeout: 5_000 }).toBe(2)
  await heard.next()
  const opened = events.all.find((event) => event.kind === 'upstream')
  const pid = Number(opened?.reason.replace('pid ', ''))
  const gone = Promise.all(lines.map((line) => once(line.resume(), 'close')))
  return { heard, upstream, pid, gone }
}

const stubborn = "process.on('SIGTERM', () => {})"
const busy = 'setInterval(() => {}, 1000)'

it.each([
  ['leaves when its input ends', '', ''],
  ['leaves, but what it started ignores SIGTERM', '', stubborn],
  ['ignores the end of its input', busy, ''],
  ['ignores SIGTERM, too', `${busy}; ${stubborn}`, stubborn],
])('close ends a child that %s, with what it started', async (_, child, grandchild) => {
  const { upstream, gone } = await open(child, grandchild)
  await upstream.close()
  await gone
})

it('close ends what a child left behind when it was killed', async () => {
  const { heard, upstream, pid, gone } = await open('', '')
  process.kill(pid, 'SIGKILL')
  expect(await heard.closed).toMatchObject({ code: 'UPSTREAM_FAILED' })
  await upstream.close()
  await gone
})
