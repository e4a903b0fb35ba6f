import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAlive, run, treeOf } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { everythingEntry, oddStdioEntry } from '../harness/backends.js'
import { converse, downstreams } from '../harness/conversation.js'
import { useFixture } from '../harness/fixture.js'
import { ask } from '../harness/http.js'
import { cli } from '../harness/paths.js'
import { textOf, toolCall } from '../harness/rpc.js'
import { serve } from '../harness/serve.js'
import type { Served } from '../harness/serve.js'

const stateless = useFixture('stateless', ['--json'])
let folder = ''
const fileOf = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-test-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('one process with a file of servers, no Redis and no Nginx,', () => {
  let served: Served
  beforeAll(async () => {
    const servers = {
      everything: everythingEntry,
      odd: oddStdioEntry,
      stateless: { url: stateless().url },
    }
    served = await serve(['--servers', fileOf('servers.yaml', stringify({ servers }))])
  })
  afterAll(() => served.process.stop())

  const ways = ['everything', 'odd', 'stateless'].flatMap((backend) =>
    downstreams.map((way) => [way, backend] as const),
  )
  it.each(ways)('answers %s in front of %s', async (way, backend) => {
    const client = await converse(way, { base: served.url, backend })
    const echo = toolCall('1', 'echo', { text: 'hello', message: 'hello' })
    expect(textOf(await client.ask(echo))).toMatch(/hello$/)
    await client.close()
  })

  it('says that its store is in memory and that it is alone', async () => {
    const status = (await ask(`${served.url}/api/status`)).json()
    expect(status).toMatchObject({ phase: 'ready', store: { kind: 'memory', up: true } })
    expect(status.instances).toHaveLength(1)
    expect((await ask(`${served.url}/ready`)).json()).toEqual({ status: 'ready' })
  })

  it('takes another version of the file without a restart', async () => {
    const servers = { odd: oddStdioEntry, added: oddStdioEntry }
    const client = await converse('http', { base: served.url, backend: 'odd' })
    fileOf('servers.yaml', stringify({ servers }))
    const added = await until('the new server', async () => {
      const found = await converse('call', { base: served.url, backend: 'added' })
      return (await found.send(toolCall(1, 'pid'))).status === 200 && found
    })
    expect(textOf(await added.ask(toolCall(2, 'echo', { text: 'new' })))).toBe('new')
    expect(textOf(await client.ask(toolCall(3, 'echo', { text: 'kept' })))).toBe('kept')
    await client.close()
  })

  it('ends with all its children at SIGTERM, exit code 0', async () => {
    const tree = treeOf([served.process.pid])
    expect(tree.length).toBeGreaterThan(1)
    served.process.kill('SIGTERM')
    expect(await served.process.ended, served.process.output()).toBe(0)
    expect(tree.filter(isAlive)).toEqual([])
  })
})

describe('a file that is wrong', () => {
  const wrong = [
    ['no file', undefined, /servers|no such file/i],
    ['no YAML', 'servers: [', /wrong\.yaml:\d+/],
    ['an unknown key', 'servers:\n  a:\n    ulr: http://127.0.0.1:1/mcp\n', /ulr.*\burl\b/s],
  ] as const
  it.each(wrong)('is told with line and reason (%s)', async (_, text, says) => {
    const path = text === undefined ? join(folder, 'none.yaml') : fileOf('wrong.yaml', text)
    const process = run([cli, 'serve', '--port', '0', '--servers', path, '--strict'])
    expect(await process.ended).toBe(1)
    expect(process.output()).toMatch(says)
    expect(process.output()).not.toMatch(/\n {4}at /)
  })
})
