import { until } from '@mcp-router/testkit/wait'
import { describe, expect, it } from 'vitest'
import { textOf } from '../harness/rpc.js'
import { connectThrough } from '../harness/sdk/connect.js'
import type { SdkClient, ToolCall } from '../harness/sdk/client.js'
import { useCluster } from '../harness/use-cluster.js'
import { openResumeProxy } from './resume-proxy.js'
import { resumeServer } from './resume-server.js'

// Round robin: most of what resumes lands on an instance that is not the owner.
const resumable = { command: process.execPath, args: ['-e', resumeServer] }
const cluster = useCluster({ servers: { resumable } })

describe.each(['v1 http', 'v2 http'] as const)('the official client %s', (way) => {
  const open = async () => {
    const proxy = await openResumeProxy(cluster().gateway)
    const client = await connectThrough(way, proxy.url, 'resumable')
    return { proxy, client }
  }
  const runs = async (client: SdkClient, of: string): Promise<string> =>
    textIn(await client.callTool(call('count', { of })))

  it('gets the answer that came while it was cut off', async () => {
    const { proxy, client } = await open()
    const answer = client.callTool(call('slow', { ms: 900 }))
    // The server has said nothing yet: the router begins the stream by itself.
    await until('the stream to begin', () => /^id: 1\.\S+:0$/m.test(proxy.told()))
    proxy.cut()
    expect(textIn(await answer)).toBe('done')
    expect(proxy.asked()).toMatch(/^last-event-id: 1\.\S+:0\r$/m)
    expect(await runs(client, 'slow')).toBe('1')
    await client.close()
  })

  it('gets all progress once and in order, and the answer, though it was cut off twice', async () => {
    const { proxy, client } = await open()
    const heard: number[] = []
    const progress = call('progress', { steps: 10, pauseMs: 300 })
    const answer = client.callTool(progress, {
      onProgress: ({ progress: n }) => void heard.push(n),
    })
    for (const enough of [2, 5]) {
      await until('some progress', () => heard.length >= enough)
      proxy.cut()
    }
    expect(textIn(await answer)).toBe('done')
    expect(heard).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(proxy.asked().match(/last-event-id: 1\./g)).toHaveLength(2)
    expect(await runs(client, 'progress')).toBe('1')
    await client.close()
  })

  it('has its own stream back, and hears on it what it is told there', async () => {
    const { proxy, client } = await open()
    await until('its stream', () => proxy.told().includes('id: 0:0\n'))
    proxy.cut()
    await until('its return', () => proxy.told().split('id: 0:0\n').length === 3)
    for (const n of [1, 2]) {
      expect(textIn(await client.callTool(call('announce')))).toBe('done')
      await until('the news', () => client.heard.notifications.length === n)
    }
    expect(proxy.told()).toContain('id: 0:2\n')
    await client.close()
  })
})

const call = (name: string, args: Record<string, unknown> = {}): ToolCall => ({
  name,
  arguments: args,
})

const textIn = (result: unknown): string => textOf(JSON.stringify({ result }))
