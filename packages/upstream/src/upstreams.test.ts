import { backendOf, nodeEndpoint } from '@mcp-router/testkit/upstream'
import { expect, it, onTestFinished } from 'vitest'
import { createEras } from './era/eras.js'
import { createTransports } from './era/transports.js'
import { createHttpClient } from './http/client.js'
import { createUpstreams } from './upstreams.js'

/** Answers its handshake, and says by its process that it runs. */
const server = `
  console.error('started')
  const read = require('node:readline').createInterface({ input: process.stdin })
  read.on('line', (line) => {
    const { id } = JSON.parse(line)
    const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '1' } }
    if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result }))
  })`

/** Never answers. */
const mute = "console.error('started'); process.stdin.resume()"

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const open = (script = server) => {
  const pids = new Set<number>()
  const running = () => [...pids].filter(isAlive).length
  const client = createHttpClient({ connectTimeoutMs: 1_000 })
  const env = process.env
  const eras = createEras({ client, env })
  const upstreams = createUpstreams({
    client,
    env,
    eras,
    transports: createTransports(client),
    idleMs: 60_000,
    openTimeoutMs: 10_000,
    maxProcesses: 1,
    maxLanes: 256,
    parkedMs: 10_000,
    toolsTtlMs: 60_000,
    events: {
      emit(event) {
        if (event.kind === 'stderr') pids.add(event.pid)
      },
    },
  })
  onTestFinished(async () => {
    await eras.close()
    await client.close()
  })
  const endpoint = nodeEndpoint(script)
  const backend = { ...backendOf(endpoint), era: 'legacy' as const }
  const clientInfo = { name: 'c', version: '1' }
  const take = () =>
    upstreams.lanes.take(backend, endpoint, { principal: '', capabilities: {}, clientInfo })
  return { upstreams, running, endpoint, backend, take }
}

it('a call that waits for its turn at a command gets no process when all are closed', async () => {
  const { upstreams, running, take } = open()
  await take()
  const waiting = take()
  waiting.catch(() => undefined)
  await upstreams.close()
  await expect(waiting).rejects.toMatchObject({ code: 'DRAINING' })
  await expect.poll(running).toBe(0)
})

it('a process that was being started is ended', async () => {
  const { upstreams, running, take, endpoint, backend } = open()
  const opening = [take(), upstreams.pool.open(backend, endpoint)]
  for (const each of opening) each.catch(() => undefined)
  await upstreams.close()
  await Promise.allSettled(opening)
  await expect.poll(running).toBe(0)
})

it('nothing is opened behind that', async () => {
  const { upstreams, take, endpoint, backend } = open()
  await upstreams.close()
  await expect(take()).rejects.toMatchObject({ code: 'DRAINING' })
  await expect(upstreams.pool.open(backend, endpoint)).rejects.toMatchObject({ code: 'DRAINING' })
  expect(() => upstreams.channels.of(backend, endpoint)).toThrow('shutting down')
})

it.each(['pool', 'lane'])(
  'a command that does not answer its handshake does not hold up the end (%s)',
  async (way) => {
    const { upstreams, running, backend, endpoint, take } = open(mute)
    const opening = way === 'pool' ? upstreams.pool.open(backend, endpoint) : take()
    const failed = expect(opening).rejects.toThrow()
    await expect.poll(running).toBe(1)
    const began = performance.now()
    await upstreams.close()
    await failed
    expect(performance.now() - began).toBeLessThan(5_000)
    await expect.poll(running).toBe(0)
  },
)
