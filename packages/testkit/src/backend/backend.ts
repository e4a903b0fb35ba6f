import type { Backend, Endpoint } from '@mcp-router/core'

type Of<T extends Endpoint['transport']> = Extract<Endpoint, { transport: T }>

export const httpEndpoint = (url: string, weight = 1): Of<'http'> => ({
  transport: 'http',
  id: url as Endpoint['id'],
  url,
  weight,
  headers: {},
})

export const sseEndpoint = (url: string): Of<'sse'> => ({ ...httpEndpoint(url), transport: 'sse' })

/** nodeEndpoint is a command that runs this JavaScript. */
export const nodeEndpoint = (script: string): Of<'stdio'> => ({
  transport: 'stdio',
  id: 'stdio:local#1' as Endpoint['id'],
  command: process.execPath,
  args: ['-e', script],
  env: {},
  weight: 1,
})

export const backendOf = (
  name: string,
  endpoints: readonly Endpoint[],
  deadlineMs = 10_000,
): Backend => ({ name: name as Backend['name'], endpoints, deadlineMs, era: 'auto', retry: 'safe' })
