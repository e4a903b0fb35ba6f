import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ownCluster, type OwnCluster, type Ran } from './own-cluster.js'
import { start } from './own-processes.js'

let cluster: OwnCluster

beforeEach(async () => {
  cluster = await ownCluster()
})
afterEach(() => cluster.close())

const post = (body: object, session?: string): Promise<Response> =>
  fetch(`${cluster.base}/mcp/example`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(session !== undefined && { 'mcp-session-id': session }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', ...body }),
  })

const logs = (): string => {
  const folder = join(cluster.runDir, 'logs')
  return readdirSync(folder)
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n')
}

it('logs show a session by a name that only the operator can trace back to it', async () => {
  await start(cluster)
  const clientInfo = { name: 'test', version: '1' }
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo }
  const opened = await post({ id: 1, method: 'initialize', params })
  await opened.text()
  const session = opened.headers.get('mcp-session-id')!
  await (await post({ method: 'notifications/initialized' }, session)).text()
  await (await post({ id: 2, method: 'tools/list' }, session)).text()
  const name = async (): Promise<string | undefined> =>
    /"message":"call".*"session":"([^"]+)".*"method":"tools\/list"/.exec(logs())?.[1]
  await expect.poll(name, { timeout: 10_000 }).toMatch(/^[0-9a-f]{16}$/)
  expect(logs()).not.toContain(session)
  const list = await cluster.run(['sessions', 'list'])
  expect(list.text).toMatch(new RegExp(`^${session} +${(await name())!} `, 'm'))
  const explained = await cluster.run(['sessions', 'explain', (await name())!])
  expect([explained.code, explained.text]).toEqual([0, expect.stringContaining('opened')])
  await fetch(`${cluster.base}/mcp/example`, {
    method: 'DELETE',
    headers: { 'mcp-session-id': session },
  })
  const ended = async (): Promise<Ran> => cluster.run(['sessions', 'explain', (await name())!])
  await expect
    .poll(ended, { timeout: 10_000 })
    .toMatchObject({ code: 0, text: expect.stringMatching(/^state {6}ended$/m) as unknown })
  const status = await (await fetch(`${cluster.base}/api/status`)).text()
  expect(status).not.toContain(session)
})
