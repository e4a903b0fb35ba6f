import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { modernClient } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { openModernEndpoint } from '@mcp-router/testkit/server'
import { expect, it } from 'vitest'

it('a deadline that passes while a stream goes on behind its response changes nothing', async () => {
  const endpoint = await openModernEndpoint(({ message, res }) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    const result = { is: 'there', resultType: 'complete' }
    res.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id: message.id, result })}\n\n`)
  })
  const gateway = await openGateway({
    backends: [{ ...backendOf('weather', [httpEndpoint(endpoint.url)]), deadlineMs: 100 }],
  })
  const client = modernClient(`${gateway.url}/mcp/weather`)
  // It ends before what the router waits for behind a response, so that a busy machine may miss it.
  const ask = async (): Promise<string> => {
    const told = await client.send('prompts/get', { name: 'p' })
    expect(told.text.match(/"jsonrpc"/g)).toHaveLength(1)
    return told.text
  }
  await expect.poll(ask, { timeout: 10_000 }).toContain('"is":"there"')
  await expect.poll(() => gateway.calls().at(-1)).toMatchObject({ outcome: 'ok' })
})
