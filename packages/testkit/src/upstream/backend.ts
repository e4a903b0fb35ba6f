import type { Backend, Endpoint } from '@mcp-router/core'
import { requestBytes, scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'

type Of<T extends Endpoint['transport']> = Extract<Endpoint, { transport: T }>

export const httpEndpoint = (url: string, change: Partial<Of<'http'>> = {}): Of<'http'> => ({
  transport: 'http',
  id: url as Endpoint['id'],
  url,
  weight: 1,
  headers: {},
  ...change,
})

export const sseEndpoint = (url: string, change: Partial<Of<'sse'>> = {}): Of<'sse'> => ({
  ...httpEndpoint(url),
  transport: 'sse',
  ...change,
})

/** nodeEndpoint is a command that runs this JavaScript. */
export const nodeEndpoint = (script: string, change: Partial<Of<'stdio'>> = {}): Of<'stdio'> => ({
  transport: 'stdio',
  id: 'stdio:weather#1' as Endpoint['id'],
  command: process.execPath,
  args: ['-e', script],
  env: {},
  weight: 1,
  ...change,
})

export const backendOf = (...endpoints: Endpoint[]): Backend => ({
  name: 'weather' as Backend['name'],
  endpoints,
  deadlineMs: 10_000,
  era: 'auto',
  retry: 'safe',
})

export const aRequest = (
  id: string | number,
  method = 'tools/call',
  params: object = {},
): Message => scanMessage(requestBytes(id, method, params))
