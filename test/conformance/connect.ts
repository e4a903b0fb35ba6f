import {
  Client,
  SSEClientTransport,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import type { Notification, Transport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { clientInfo, roots, sampled } from '../harness/sdk/client.js'
import { openConformanceFixture, stdioCommand } from './fixture.js'
import type { FixtureKind } from './fixture.js'

export type Era = 'legacy' | 'modern'

/** Connected is an official client at a fixture that was started for it alone. */
export interface Connected {
  readonly client: Client
  /** All that the server told without being asked, or before it answered. */
  readonly heard: readonly Notification[]
  /** Ends the client, and the fixture. */
  close(): Promise<void>
}

/** connectToFixture starts a fixture and connects the SDK's client to it, in the given era and no other. */
export const connectToFixture = async (kind: FixtureKind, era: Era): Promise<Connected> => {
  const { transport, end } = await open(kind)
  return connect(transport, era, end)
}

/** connect connects it over a transport; `end` is called once it is closed. */
export const connect = async (
  transport: Transport,
  era: Era,
  end: () => Promise<void> = () => Promise.resolve(),
): Promise<Connected> => {
  const mode = era === 'legacy' ? 'legacy' : { pin: '2026-07-28' }
  const capabilities = { sampling: {}, elicitation: { form: {} }, roots: {} }
  const client = new Client(clientInfo, { capabilities, versionNegotiation: { mode } })
  client.setRequestHandler('sampling/createMessage', () => sampled)
  client.setRequestHandler('elicitation/create', () => ({
    action: 'accept',
    content: { name: 'Ada', color: 'blue' },
  }))
  client.setRequestHandler('roots/list', () => roots)
  const close = async (): Promise<void> => {
    await client.close()
    await end()
  }
  await client.connect(transport).catch(async (error: unknown) => {
    await close()
    throw error
  })
  return { client, heard: listenTo(transport), close }
}

/** Listens where messages arrive: the client drops a report of progress that comes in one piece with the answer. */
const listenTo = (transport: Transport): readonly Notification[] => {
  const heard: Notification[] = []
  const deliver = transport.onmessage
  transport.onmessage = (message, extra) => {
    if ('method' in message && !('id' in message)) heard.push(message)
    deliver?.(message, extra)
  }
  return heard
}

const open = async (
  kind: FixtureKind,
): Promise<{ transport: Transport; end: () => Promise<void> }> => {
  if (kind === 'stdio-legacy' || kind === 'stdio-modern') {
    const transport = new StdioClientTransport({ ...stdioCommand(kind), stderr: 'ignore' })
    return { transport, end: () => Promise.resolve() }
  }
  const fixture = await openConformanceFixture(kind)
  const ClientTransport = kind === 'sse' ? SSEClientTransport : StreamableHTTPClientTransport
  return { transport: new ClientTransport(new URL(fixture.url)), end: () => fixture.close() }
}
