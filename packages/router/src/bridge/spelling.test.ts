import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { ask, canAnswer, initialize, questionOf } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { openEndpoint, openModernEndpoint } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

/** What JSON.parse and JSON.stringify do not give back. */
const odd = '{"big":12345678901234567890,"inf":1e400,"one":1.0,"twice":1,"twice":2}'

const answerWith =
  (result: string) =>
  ({ res, message }: Asked): void => {
    res.writeHead(200, { 'content-type': 'application/json' })
    res.end(`{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":${result}}`)
  }

/** A modern client at a server with sessions that answers `result`. */
const modernAtLegacy = async (result: string, capabilities: object = {}) => {
  const endpoint = await openEndpoint((asked) => {
    if (asked.message.method === 'tools/list') answerWith('{"tools":[]}')(asked)
    else answerWith(result)(asked)
  })
  const gateway = await openGateway({
    backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
  })
  const { headers = {}, body } = questionOf('m', 'tools/call', { name: 't' }, { capabilities })
  const text = JSON.stringify(body).replace('"name":"t"', `"name":"t","arguments":${odd}`)
  const told = await ask(`${gateway.url}/mcp/weather`, { headers, body: text })
  return { told, sent: endpoint.by('tools/call')[0]?.text }
}

/** A client with a session at a modern server that answers `result`. */
const legacyAtModern = async (result: string) => {
  const { url, asked } = await openModernEndpoint((each) => {
    if (each.message.method === 'tools/list') answerWith(toolList)(each)
    else if (each.message.method === 'tools/call') answerWith(result)(each)
    else each.res.writeHead(404).end()
  })
  const backends = [{ ...backendOf('weather', [httpEndpoint(url)]), era: 'modern' as const }]
  const gateway = await openGateway({ backends })
  const address = `${gateway.url}/mcp/weather`
  const { headers } = await initialize(address)
  const params = `{"name":"t","arguments":${odd}}`
  const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`
  const told = await ask(address, { headers, body })
  const sent = asked.find(({ message }) => message.method === 'tools/call')
  return { told, sent }
}

const numbers = { type: 'integer', 'x-mcp-header': 'N' }
const ones = { type: 'integer', 'x-mcp-header': 'One' }
const inputSchema = { type: 'object', properties: { inf: numbers, one: ones } }
const toolList = JSON.stringify({ resultType: 'complete', tools: [{ name: 't', inputSchema }] })
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

describe('arguments and results between the eras', () => {
  it.each([
    ['the shared session', {}],
    ['a session of its own', canAnswer],
  ])('keep their spelling through %s', async (_, capabilities) => {
    const { told, sent } = await modernAtLegacy(
      `{"content":[],"structuredContent":${odd},"n":1e400}`,
      capabilities,
    )
    expect(sent).toContain(`"arguments":${odd}`)
    expect(told.text).toContain(`"structuredContent":${odd},"n":1e400`)
  })

  it('keep their spelling towards a modern server, whose headers say what a header can', async () => {
    const { told, sent } = await legacyAtModern(
      `{"resultType":"complete","content":[],"structuredContent":${odd}}`,
    )
    expect(sent?.text).toContain(`"arguments":${odd}`)
    expect(sent?.headers).toMatchObject({ 'mcp-param-one': '1' })
    expect(sent?.headers).not.toHaveProperty('mcp-param-n')
    expect(told.text).toContain(`"structuredContent":${odd}`)
  })

  it.each([1_000, 200_000])('of a depth of %i are an error of that call', async (depth) => {
    const result = `{"resultType":"complete","content":[],"deep":${nested(depth)}}`
    const answers = [await modernAtLegacy(result), await legacyAtModern(result)]
    for (const { told } of answers) {
      expect(told.text).toMatch(
        /"code":-31502,"message":"Server .+weather.+ deeper than 512 levels/,
      )
    }
  })
})
