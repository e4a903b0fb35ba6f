import { metaKeys } from '@mcp-router/protocol'
import { createTwinChannel } from '@mcp-router/testkit/upstream'
import type { Sent } from '@mcp-router/testkit/upstream'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Changes } from './changes.js'

const open = () => {
  const channel = createTwinChannel()
  const told: string[] = []
  const changes = new Changes({
    channel,
    client: () => ({ capabilities: {}, clientInfo: undefined, logLevel: undefined }),
    onChange: (message) => told.push(String(message.bytes)),
  })
  onTestFinished(() => changes.close())
  return { channel, changes, told }
}

const acknowledged = 'notifications/subscriptions/acknowledged'
const tools = { toolsListChanged: true }

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('a listen that ends', () => {
  it.each([
    ['a result', (listen: Sent) => listen.answer({})],
    ['a failure', (listen: Sent) => listen.fail(new Error('broke'))],
  ])('with %s is opened anew, each time later', async (_, end) => {
    const { channel, changes } = open()
    changes.want(tools)
    end(await channel.next())
    for (const pause of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      const before = channel.sent.length
      await vi.advanceTimersByTimeAsync(pause - 1)
      expect(channel.sent).toHaveLength(before)
      await vi.advanceTimersByTimeAsync(1)
      expect(channel.sent).toHaveLength(before + 1)
      end(channel.sent.at(-1)!)
    }
  })

  it('at once after it was acknowledged is no reason to hurry', async () => {
    const { channel, changes } = open()
    changes.want(tools)
    for (const sent of [1, 2, 3]) {
      expect(channel.sent).toHaveLength(sent)
      channel.sent.at(-1)!.say(acknowledged)
      channel.sent.at(-1)!.answer({})
      await vi.advanceTimersByTimeAsync(sent * 1_000)
    }
    expect(channel.sent).toHaveLength(3)
  })

  it('after it held for long is opened anew soon', async () => {
    const { channel, changes } = open()
    changes.want(tools)
    channel.sent[0]!.fail(new Error('broke'))
    await vi.advanceTimersByTimeAsync(1_000)
    await vi.advanceTimersByTimeAsync(60_000)
    channel.sent[1]!.answer({})
    await vi.advanceTimersByTimeAsync(1_000)
    expect(channel.sent).toHaveLength(3)
  })

  it('because nobody wants it any more stays so', async () => {
    const { channel, changes } = open()
    changes.want(tools)
    channel.sent[0]!.answer({})
    changes.close()
    await vi.advanceTimersByTimeAsync(60_000)
    changes.want({ promptsListChanged: true })
    expect(channel.sent).toHaveLength(1)
  })
})

describe('watching', () => {
  it('waits for the server to acknowledge, and not for ever', async () => {
    const { changes } = open()
    const done = vi.fn()
    void changes.watch(['a:1']).then(done)
    await vi.advanceTimersByTimeAsync(4_999)
    expect(done).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(done).toHaveBeenCalled()
  })

  it('is known when a later one is, which has it, too', async () => {
    const { channel, changes } = open()
    const first = changes.watch(['a:1'])
    const second = changes.watch(['a:1', 'b:2'])
    channel.sent[1]!.say(acknowledged)
    await Promise.all([first, second])
    expect(channel.sent.map((each) => each.isAborted())).toEqual([true, false])
  })

  it('keeps the lists that were wanted before', () => {
    const { channel, changes } = open()
    changes.want(tools)
    void changes.watch(['a:1'])
    expect(channel.sent[1]!.params['notifications']).toEqual({
      ...tools,
      resourceSubscriptions: ['a:1'],
    })
    expect(channel.sent[1]!.params['_meta']).toHaveProperty(metaKeys.clientCapabilities)
  })
})

describe('wanting', () => {
  it('the same again changes nothing', () => {
    const { channel, changes } = open()
    changes.want(tools)
    changes.want({ ...tools })
    expect(channel.sent).toHaveLength(1)
  })

  it('hears the old listen until the new one is acknowledged', () => {
    const { channel, changes, told } = open()
    changes.want(tools)
    void changes.watch(['a:1'])
    channel.sent[0]!.say('notifications/tools/list_changed')
    channel.sent[1]!.say(acknowledged)
    channel.sent[0]!.say('notifications/tools/list_changed')
    expect(told).toHaveLength(1)
  })

  it('ends for all listens, also one that was not acknowledged yet, when closed', () => {
    const { channel, changes } = open()
    changes.want(tools)
    void changes.watch(['a:1'])
    changes.close()
    expect(channel.sent.map((each) => each.isAborted())).toEqual([true, true])
  })
})
