/**
 * resumeServer is the JavaScript of a stdio MCP server that keeps to the schemas of the official clients. Its tools: `slow` says nothing for
 * `ms`; `progress` reports `steps` times, every `pauseMs`; `announce` is answered, and says something behind that; `count` tells how often the
 * tool named by `of` was called.
 */
export const resumeServer = `
  const send = (message) => console.log(JSON.stringify({ jsonrpc: '2.0', ...message }))
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
  const calls = []
  const run = async ({ name, arguments: args, _meta }) => {
    calls.push(name)
    if (name === 'slow') await wait(args.ms)
    if (name === 'count') return String(calls.filter((each) => each === args.of).length)
    for (let progress = 1; name === 'progress' && progress <= args.steps; progress++) {
      await wait(args.pauseMs)
      const params = { progressToken: _meta.progressToken, progress }
      send({ method: 'notifications/progress', params })
    }
    return 'done'
  }
  const answer = async ({ id, method, params }) => {
    if (id === undefined) return
    if (method === 'initialize') {
      const { protocolVersion } = params
      const serverInfo = { name: 'resume', version: '1' }
      return send({ id, result: { protocolVersion, serverInfo, capabilities: { tools: {}, logging: {} } } })
    }
    if (method !== 'tools/call') return send({ id, result: { tools: [] } })
    const text = await run(params)
    send({ id, result: { content: [{ type: 'text', text }] } })
    const news = { level: 'info', data: 'news' }
    if (params.name === 'announce') send({ method: 'notifications/message', params: news })
  }
  const lines = require('node:readline').createInterface({ input: process.stdin })
  lines.on('line', (line) => void answer(JSON.parse(line)))`
