import { backendOf, nodeEndpoint } from '@mcp-router/testkit/upstream'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createStdioProber } from './stdio.js'

/** A server that answers each request with what `answer` makes of `message`; where that is undefined it keeps silent. */
const answering = (answer: string): string => `
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const message = JSON.parse(line)
    const said = (${answer})
    if (said) console.log(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...said }))
  })`

const initialized = `{ result: { protocolVersion: '2025-06-18', serverInfo: { name: 'old', version: '1' } } }`
const modern = `{ result: { supportedVersions: ['2026-07-28'], _meta: {
  'io.modelcontextprotocol/serverInfo': { name: 'new', version: String(process.pid) } } } }`

const open = (script: string, change: Parameters<typeof nodeEndpoint>[1] = {}, waits = {}) => {
  const prober = createStdioProber({ env: {}, patienceMs: 10_000, startMs: 20_000, ...waits })
  onTestFinished(() => prober.close())
  const endpoint = nodeEndpoint(script, change)
  return { prober, probe: () => prober.probe(backendOf(endpoint), endpoint) }
}

const isGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}

describe('the era of a command', () => {
  it.each([
    ['modern', 'it discovers', modern],
    ['legacy', 'it discovers other revisions', `{ result: { supportedVersions: ['2025-11-25'] } }`],
    [
      'modern',
      'it names the revision as supported',
      `{ error: { code: -32022, message: 'm', data: { supported: ['2026-07-28'] } } }`,
    ],
    [
      'legacy',
      'it only repeats the revision that it was asked for',
      `{ error: { code: -32022, message: 'm', data: { supported: [], requested: '2026-07-28' } } }`,
    ],
    ['legacy', 'it knows no such method', `{ error: { code: -32601, message: 'm' } }`],
    ['legacy', 'it minds that it was not initialized', `{ error: { code: -32600, message: 'm' } }`],
  ])('is %s when %s', async (era, _, answer) => {
    expect(await open(answering(answer)).probe()).toMatchObject({ era })
  })

  it('is asked for with all that a modern request needs', async () => {
    const meta = 'message.params._meta'
    const prefix = 'io.modelcontextprotocol/'
    const isComplete = `message.method === 'server/discover' &&
      ${meta}['${prefix}protocolVersion'] === '2026-07-28' &&
      ${meta}['${prefix}clientCapabilities'] && ${meta}['${prefix}clientInfo'].name`
    const { probe } = open(answering(`${isComplete} ? ${modern} : { error: { code: -32602 } }`))
    expect(await probe()).toMatchObject({ era: 'modern', revisions: ['2026-07-28'] })
  })

  it('is legacy when it keeps silent to all but initialize', async () => {
    const script = answering(`message.method === 'initialize' && ${initialized}`)
    expect(await open(script, {}, { patienceMs: 100 }).probe()).toEqual({
      era: 'legacy',
      sign: 'initialize was answered, server/discover was not',
      revisions: ['2025-06-18'],
      server: { name: 'old', version: '1' },
    })
  })

  it('is modern when it is only slow to start', async () => {
    const lateOnes = `const late = []; process.stdin.on('data', (data) => late.push(data));`
    // Starts to answer only once both questions wait, as a command does that had to be fetched first.
    const script = `${lateOnes}
      const timer = setInterval(() => {
        if (!String(Buffer.concat(late)).includes('"initialize"')) return
        clearInterval(timer)
        for (const line of String(Buffer.concat(late)).trim().split('\\n')) {
          const message = JSON.parse(line)
          const said = message.method === 'initialize' ? { error: { code: -32022 } } : ${modern}
          console.log(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...said }))
        }
      }, 5)`
    expect(await open(script, {}, { patienceMs: 100 }).probe()).toMatchObject({ era: 'modern' })
  })

  it('is legacy when it leaves at a request that it does not know', async () => {
    const leaving = `message.method === 'initialize' ? ${initialized} : process.exit(3)`
    expect(await open(answering(leaving)).probe()).toMatchObject({
      era: 'legacy',
      sign: 'it exited with 3 at server/discover',
      revisions: ['2025-06-18'],
    })
  })

  it('does not follow from a process that cannot run at all, whose last words are in the error', async () => {
    const script = `console.error('throw new Error(x)\\nError: set TOKEN\\nNode.js v20'); process.exitCode = 1`
    await expect(open(script).probe()).rejects.toMatchObject({
      code: 'OPENING_FAILED',
      data: { reason: expect.stringMatching(/^exited with 1; stderr: .*Error: set TOKEN/) },
    })
  })

  it('does not follow from silence', async () => {
    const { probe } = open('process.stdin.resume()', {}, { patienceMs: 20, startMs: 200 })
    await expect(probe()).rejects.toMatchObject({ code: 'OPENING_FAILED' })
  })

  it('is not there for a command that is not there', async () => {
    const { probe } = open('', { command: 'no-such-command-here' })
    await expect(probe()).rejects.toMatchObject({ code: 'BACKEND_MISCONFIGURED' })
  })
})

describe('the process that is asked', () => {
  it('has the environment of the endpoint, and is ended unasked', async () => {
    const script = answering(`process.env.MINE === 'm' && ${modern}`)
    const { server } = await open(script, { env: { MINE: 'm' } }).probe()
    await vi.waitUntil(() => isGone(Number(server?.version)))
  })

  it('is ended, and the question with it, when the prober is closed', async () => {
    const { prober, probe } = open('process.stdin.resume()')
    const asked = probe()
    const refused = expect(asked).rejects.toMatchObject({ code: 'OPENING_FAILED' })
    await prober.close()
    await refused
    await expect(probe()).rejects.toMatchObject({ code: 'OPENING_FAILED' })
  })
})
