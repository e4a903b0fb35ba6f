import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createProgram } from '../program.js'

let said: string

beforeEach(() => {
  said = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said += String(text)
    return true
  })
})
afterEach(() => vi.restoreAllMocks())

const serve = async (answer: RequestListener): Promise<string> => {
  const server = createServer(answer)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  // A server that listens on TCP has an AddressInfo.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const answering = (status: number, body: unknown) =>
  serve((_req, res) => {
    res.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
  })

/** explain types `mcp-router sessions explain <args>`. */
const explain = async (
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<void> => {
  await createProgram(env).parseAsync(['sessions', 'explain', ...args], { from: 'user' })
}

const explanation = {
  id: 's-1',
  session: {
    backend: 'weather',
    principal: 'ada',
    downstream: 'http',
    instance: 'router-instance-2',
    owner: 'router-instance-2',
    epoch: 2,
    endpoint: 'stdio:weather#1',
    revision: '2025-06-18',
    loggingLevel: '',
    subscriptions: 0,
    lastActive: '2026-03-02T12:03:57.000Z',
  },
  life: [
    { at: '2026-03-02T12:01:03.123Z', kind: 'opened', instance: 'router-instance-1', cause: '' },
    {
      at: '2026-03-02T12:03:10.456Z',
      kind: 'taken over',
      instance: 'router-instance-2',
      cause: 'the lease of router-instance-1 had ended',
    },
  ],
  summary: 'opened 12:01:03 at router-instance-1, taken over by router-instance-2',
}

describe('sessions explain', () => {
  it('tells what a session is, and what happened to it', async () => {
    await explain(['s-1', '--url', await answering(200, explanation)])
    expect(said.split('\n')).toEqual([
      'session    s-1',
      'server     weather, at stdio:weather#1',
      'client     Streamable HTTP, 2025-06-18',
      'owner      router-instance-2, epoch 2',
      'last used  2026-03-02 12:03:57.000',
      '',
      'time (UTC)               what        instance           why',
      '2026-03-02 12:01:03.123  opened      router-instance-1',
      '2026-03-02 12:03:10.456  taken over  router-instance-2  the lease of router-instance-1 had ended',
      '',
      'opened 12:01:03 at router-instance-1, taken over by router-instance-2',
      '',
    ])
  })

  it('tells of a portable session, of one that ended, and of one without a life', async () => {
    const { session } = explanation
    const portable = { ...session, owner: null, downstream: 'sse', revision: '' }
    await explain(['s-1', '--url', await answering(200, { ...explanation, session: portable })])
    expect(said).toContain('client     HTTP+SSE\nowner      none, any instance goes on with it\n')
    await explain(['s-1', '--url', await answering(200, { ...explanation, session: null })])
    expect(said).toContain('session    s-1\nstate      ended\n\ntime')
    await explain(['s-1', '--url', await answering(200, { ...explanation, life: [] })])
    expect(said).toContain('\n\nnothing is kept of what happened to it\n\n')
  })

  it('says what was done for calls that an earlier owner had left', async () => {
    const [opened] = explanation.life
    const cause = 'requests run again or ended with an error: 2, responses redelivered: 1'
    const life = [{ ...opened, kind: 'settled', cause }]
    await explain(['s-1', '--url', await answering(200, { ...explanation, life })])
    expect(said).toContain(`  pending calls  router-instance-1  ${cause}\n`)
  })

  it('tells programs what the router told', async () => {
    await explain(['s-1', '--json', '--url', await answering(200, explanation)])
    expect(JSON.parse(said)).toEqual(explanation)
  })

  it('lets no control character reach the terminal', async () => {
    await explain(['s-1', '--url', await answering(200, { ...explanation, id: 's\u001b[2J' })])
    expect(said).not.toContain('\u001b')
  })

  it('asks for the session at its address, with the token', async () => {
    const asked: unknown[] = []
    const url = await serve((req, res) => {
      asked.push(req.url, req.headers.authorization)
      res.end(JSON.stringify(explanation))
    })
    await explain(['a/b ?', '--url', `${url}/mcp-bridge/`], { ACCESS_TOKEN: 'token' })
    expect(asked).toEqual(['/mcp-bridge/api/sessions/a%2Fb%20%3F/explain', 'Bearer token'])
    await explain(['a', '--url', url], { ACCESS_TOKEN: '' })
    expect(asked.slice(2)).toEqual(['/api/sessions/a/explain', undefined])
  })
})

describe('sessions explain says what to do', () => {
  it('where nothing listens', async () => {
    const server = createServer()
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await once(server.close(), 'close')
    await expect(explain(['s-1', '--url', url])).rejects.toThrow(
      /^asking http:\/\/127\.0\.0\.1:\d+: connect ECONNREFUSED.*; start the cluster \(scripts\/start-instances\.sh start\), or say where it is with --url$/,
    )
  })

  it('where a token is wanted, or another one', async () => {
    const args = ['s-1', '--url', await answering(401, { error: 'Authentication required' })]
    await expect(explain(args)).rejects.toThrow(/wants the access token .*: set ACCESS_TOKEN$/)
    await expect(explain(args, { ACCESS_TOKEN: 'x' })).rejects.toThrow(/is not that one$/)
  })

  it('where nothing is known of the session', async () => {
    const url = await answering(404, { error: 'No session of yours by this id' })
    const { hostname, port } = new URL(url)
    await expect(explain(['s-1'], { GATEWAY_HOST: hostname, GATEWAY_PORT: port })).rejects.toThrow(
      'No session of yours by this id. scripts/mcp-router.sh sessions list shows those that are open',
    )
  })

  it('and not to list what may be in no Redis of this machine', async () => {
    const url = await answering(404, { error: 'No session of yours by this id' })
    await expect(explain(['s-1', '--url', url])).rejects.toThrow(/by this id$/)
  })

  it('where the router cannot know', async () => {
    const url = await answering(503, { error: 'The session store cannot be reached' })
    await expect(explain(['s-1', '--url', url])).rejects.toThrow(/^The session store cannot/)
  })

  it.each([
    [200, '<html>'],
    [200, { life: 'long' }],
    [404, '<html>'],
    [500, []],
  ])('where something else answers: %s %j', async (status, body) => {
    const url = await answering(status, body)
    await expect(explain(['s-1', '--url', url])).rejects.toThrow(/mcp-router/)
  })

  it('where the address is none', async () => {
    await expect(explain(['s-1', '--url', 'localhost:8080'])).rejects.toThrow(/whole address/)
  })
})
