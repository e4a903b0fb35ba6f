import { Client as ClientV2 } from '@modelcontextprotocol/client'
import { StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { PageReport, PageTask } from './task.js'

// What a page of another origin does, bundled and run in a browser. It reports what came of each way.

const info = { name: 'page', version: '1' }
const add = { name: 'add', arguments: { a: 1, b: 2 } }
const posted = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
}

const post = (url: string, body: object, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'POST', headers: { ...posted, ...headers }, body: JSON.stringify(body) })

const initialize = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: info },
}
const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: add }

/** The sum in a result, wherever it stands. */
const sumIn = (result: unknown): string => (JSON.stringify(result).includes('1 + 2 = 3') ? '3' : '')

const rawFetch = async ({ base, server }: PageTask): Promise<string> => {
  const url = `${base}/mcp/${server}`
  const opened = await post(url, initialize)
  const session = opened.headers.get('mcp-session-id') ?? 'no session'
  const terms = { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' }
  const answer = await post(url, call, { ...terms, 'mcp-param-region': 'eu', 'last-event-id': '1' })
  const text = await answer.text()
  const ended = await fetch(url, { method: 'DELETE', headers: terms })
  return `${sumIn(text)} ${ended.status}`
}

/** What a page can read of the answer that refuses it. */
const refusal = async (answer: Promise<Response>): Promise<string> => {
  const { status, headers } = await answer
  return [status, headers.get('www-authenticate'), headers.get('retry-after')].join(' ').trim()
}

// Browsers have it; the types of Node do not.
declare const EventSource: new (url: string) => {
  addEventListener(name: string, heard: (event: { readonly data: string }) => void): void
  onerror: (() => void) | null
  close(): void
}

const eventSource = ({ base, server }: PageTask): Promise<string> =>
  new Promise((resolve, reject) => {
    const stream = new EventSource(`${base}/sse/${server}`)
    stream.onerror = () => reject(new Error('the stream was refused'))
    let address = ''
    stream.addEventListener('endpoint', ({ data }) => {
      address = new URL(data, base).href
      post(address, initialize).catch(reject)
    })
    stream.addEventListener('message', ({ data }) => {
      const { id } = JSON.parse(data) as { id: unknown }
      if (id === 0) post(address, call).catch(reject)
      if (id !== 1) return
      stream.close()
      resolve(sumIn(JSON.parse(data)))
    })
  })

const sdk1 = async (transport: Transport): Promise<string> => {
  const client = new ClientV1(info)
  await client.connect(transport)
  const result = await client.callTool(add)
  await client.close()
  return sumIn(result)
}

const sdk2 = async (
  { base, server }: PageTask,
  mode: 'legacy' | { readonly pin: '2026-07-28' },
): Promise<string> => {
  const client = new ClientV2(info, { versionNegotiation: { mode } })
  await client.connect(new HttpV2(new URL(`${base}/mcp/${server}`)))
  const result = await client.callTool(add)
  await client.close()
  return sumIn(result)
}

const ways: Readonly<Record<string, (task: PageTask) => Promise<string>>> = {
  'raw fetch': rawFetch,
  EventSource: eventSource,
  'SDK 1, Streamable HTTP': ({ base, server }) =>
    sdk1(new HttpV1(new URL(`${base}/mcp/${server}`))),
  'SDK 1, HTTP+SSE': ({ base, server }) =>
    sdk1(new SSEClientTransport(new URL(`${base}/sse/${server}`))),
  'SDK 2, 2025-11-25': (task) => sdk2(task, 'legacy'),
  'SDK 2, 2026-07-28': (task) => sdk2(task, { pin: '2026-07-28' }),
  'unknown session': ({ base, server }) =>
    refusal(post(`${base}/mcp/${server}`, call, { 'mcp-session-id': 'nobody' })),
  'unknown address': ({ base }) => refusal(fetch(`${base}/api/nothing`)),
  'address of Nginx': ({ base }) => refusal(fetch(`${base}/internal/x`)),
  'unreachable server': ({ base }) => refusal(post(`${base}/mcp/missing`, initialize)),
}

const run = async (): Promise<void> => {
  const task = (await (await fetch('/task')).json()) as PageTask
  const report: Record<string, string> = {}
  for (const [name, go] of Object.entries(ways)) {
    report[name] = await go(task).catch((error: unknown) => `failed: ${String(error)}`)
  }
  const all: PageReport = report
  await fetch('/report', { method: 'POST', body: JSON.stringify(all) })
}

void run()
