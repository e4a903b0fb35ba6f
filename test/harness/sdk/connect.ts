import { StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client'
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { everything } from '../paths.js'
import type { SdkClient } from './client.js'
import { connectV1 } from './v1.js'
import { connectModernV2, connectV2 } from './v2.js'

/** SdkWay is an official client, and the transport that it takes to the router: those with sessions first, then the one without. */
export type SdkWay = (typeof sdkWays)[number] | 'v2 modern'
export const sdkWays = ['v1 http', 'v1 sse', 'v2 http'] as const

/** connectThrough connects an official client to a backend through the router at `base`. */
export const connectThrough = (way: SdkWay, base: string, backend: string): Promise<SdkClient> => {
  switch (way) {
    case 'v1 http':
      return httpV1(`${base}/mcp/${backend}`)
    case 'v1 sse':
      return connectV1(new SSEClientTransport(new URL(`${base}/sse/${backend}`)))
    case 'v2 http':
      return httpV2(`${base}/mcp/${backend}`)
    case 'v2 modern':
      return connectModernV2(new HttpV2(new URL(`${base}/mcp/${backend}`)))
  }
}

/** connectDirectly connects the same kind of client to a server without a router: to a URL, or to `everything` as a command. */
export const connectDirectly = (
  sdk: SdkClient['sdk'],
  url: string | undefined,
): Promise<SdkClient> => {
  const command = { command: process.execPath, args: [everything], stderr: 'ignore' as const }
  switch (sdk) {
    case 'v1':
      return url === undefined ? connectV1(new StdioV1(command)) : httpV1(url)
    case 'v2':
      return url === undefined ? connectV2(new StdioV2(command)) : httpV2(url)
  }
}

const httpV1 = (url: string): Promise<SdkClient> => {
  const transport = new HttpV1(new URL(url))
  return connectV1(transport, () => transport.terminateSession())
}

const httpV2 = (url: string): Promise<SdkClient> => {
  const transport = new HttpV2(new URL(url))
  return connectV2(transport, () => transport.terminateSession())
}
