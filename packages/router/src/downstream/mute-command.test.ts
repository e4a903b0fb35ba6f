import { backendOf } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, jsonOf, modernClient } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { openCommand, openModernCommand } from '@mcp-router/testkit/server'
import { useConcurrentTests } from '@mcp-router/testkit/test'
import { describe, it } from 'vitest'

useConcurrentTests()

/** Reads on and says nothing more once it was called `hang`. */
const openLegacy = () => {
  const mute = new Set<string>()
  return openCommand({
    on: { hang: ({ session }) => mute.add(session.id) },
    otherwise: ({ id, reply, session }) =>
      id === undefined ? undefined : reply({ pid: session.pid }),
    isDeafTo: ({ id }) => mute.has(id),
  })
}

const open = async (era: 'legacy' | 'modern' = 'legacy') => {
  const { endpoint } = await (era === 'legacy' ? openLegacy() : openModernCommand())
  const backend = { ...backendOf('mute', [endpoint]), era }
  const gateway = await openGateway({ backends: [{ ...backend, deadlineMs: 300 }] })
  return gateway.url
}

/** A process is given 10 s to answer a ping. */
const replaced = { timeout: 14_000, interval: 200 }

describe.concurrent(
  'a command that reads on and answers nothing more is replaced',
  { timeout: 20_000 },
  () => {
    it('where all callers share it', async ({ expect }) => {
      const url = `${await open()}/mcp/router/route/mute`
      const pidOf = async () => {
        const { result } = jsonOf(await ask(url, { body: aRequest(1, 'ping') })) as {
          result?: { pid: number }
        }
        return result?.pid
      }
      const before = await pidOf()
      const late = await ask(url, { body: aRequest(2, 'hang') })
      expect(jsonOf(late)).toMatchObject({ error: { code: -31504 } })
      await expect.poll(pidOf, replaced).toEqual(expect.any(Number))
      expect(await pidOf()).not.toBe(before)
    })

    it('where it has a session', async ({ expect }) => {
      const url = `${await open()}/mcp/mute`
      const { headers } = await initialize(url)
      const late = await ask(url, { headers, body: aRequest(2, 'hang') })
      expect(late.text).toContain('-31504')
      const answer = async () => (await ask(url, { headers, body: aRequest(3, 'ping') })).text
      await expect.poll(answer, replaced).toContain('"pid"')
    })

    it('where clients of 2026-07-28 call it', async ({ expect }) => {
      const client = modernClient(`${await open('modern')}/mcp/mute`)
      const pidOf = async () => {
        const { result } = (await client.tool('count')) as { result?: { pid: number } }
        return result?.pid
      }
      const before = await pidOf()
      expect(await client.tool('mute')).toMatchObject({ error: { code: -31504 } })
      await expect.poll(pidOf, replaced).toEqual(expect.any(Number))
      expect(await pidOf()).not.toBe(before)
    })
  },
)
