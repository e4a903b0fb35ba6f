import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { backendOf, nodeEndpoint } from '../testing/backend.js'
import { aRequest, ask, initialize, jsonOf } from '../testing/client.js'
import { openGateway } from '../testing/gateway.js'
import { streamAt } from '../testing/sse-client.js'
import { stdioServer } from '../testing/stdio-server.js'

/** As stdioServer, but it ends when it is asked to `read` or `append`, each time or, where it made the file before, not again. */
const mortalServer = (file: string): string =>
  stdioServer.replace(
    `case 'exit': return`,
    `case 'resources/read': case 'append':
       if (require('node:fs').existsSync(${JSON.stringify(file)})) return send({ id, result: { pid: process.pid } })
       if (params?.once) require('node:fs').writeFileSync(${JSON.stringify(file)}, '')
     case 'exit': return`,
  )

const open = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'broken-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'ran')
  const backends = [backendOf('local', [nodeEndpoint(mortalServer(file))])]
  const gateway = await openGateway({ backends })
  return { gateway, hasRun: () => existsSync(file) }
}

const read = (params: object = { once: true }) => aRequest(1, 'resources/read', params)
const append = aRequest(1, 'append', { once: true })
const unknown = {
  id: 1,
  error: { code: -31001, data: { method: 'append', repeated: false } },
}

describe('a request that its server went away with', () => {
  it('is answered by the next one, where it may run twice', async () => {
    const { gateway } = await open()
    const url = `${gateway.url}/mcp/local`
    const { headers } = await initialize(url)
    const told = await ask(url, { headers, body: read() })
    expect(jsonOf(told)).toMatchObject({ id: 1, result: { pid: expect.any(Number) } })
  })

  it('is told as unknown, where it may not, and the session goes on', async () => {
    const { gateway, hasRun } = await open()
    const url = `${gateway.url}/mcp/local`
    const { headers } = await initialize(url)
    expect(jsonOf(await ask(url, { headers, body: append }))).toMatchObject(unknown)
    expect(hasRun()).toBe(true)
    expect(jsonOf(await ask(url, { headers, body: append }))).toHaveProperty('result')
  })

  it('is given up where each server goes away with it', async () => {
    const { gateway } = await open()
    const url = `${gateway.url}/mcp/local`
    const { headers } = await initialize(url)
    const told = await ask(url, { headers, body: read({}) })
    expect([told.status, jsonOf(told)]).toMatchObject([502, { id: 1, error: { code: -31502 } }])
  })

  it('is seen to likewise where its answer comes on a stream', async () => {
    const { gateway } = await open()
    const { events, send } = await streamAt(gateway)
    await send(aRequest(0, 'initialize', { protocolVersion: '2024-11-05', capabilities: {} }))
    await events.message()
    await send({ jsonrpc: '2.0', method: 'notifications/initialized' })
    expect((await send(read())).status).toBe(202)
    expect(await events.message()).toMatchObject({ id: 1, result: { pid: expect.any(Number) } })
  })

  it('… and told as unknown there', async () => {
    const { gateway } = await open()
    const { events, send } = await streamAt(gateway)
    await send(aRequest(0, 'initialize', { protocolVersion: '2024-11-05', capabilities: {} }))
    await events.message()
    await send({ jsonrpc: '2.0', method: 'notifications/initialized' })
    expect((await send(append)).status).toBe(202)
    expect(await events.message()).toMatchObject(unknown)
  })
})
