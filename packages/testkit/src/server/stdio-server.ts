import type { RouterEvent } from '@mcp-router/core'

/** childrenOf tells of each child that said that it was started whether it runs still. */
export const childrenOf = (events: readonly RouterEvent[]): readonly boolean[] =>
  [...new Set(events.flatMap((each) => (each.kind === 'stderr' ? [each.pid] : [])))].map(isAlive)

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/**
 * stdioServer is the JavaScript of a stdio MCP server. It names its pid in `initialize`, and does what the method says: `work` sends progress
 * first; `hang` never answers; `exit` ends it; `ask` asks the client; `say` sends a notification; `heard` tells what the client answered. The
 * rest is answered with its params.
 */
export const stdioServer = `
  console.error('started')
  const send = (message) => console.log(JSON.stringify({ jsonrpc: '2.0', ...message }))
  let answer
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params, result } = JSON.parse(line)
    const progressToken = params?._meta?.progressToken
    switch (method) {
      case 'initialize': {
        const serverInfo = { name: 'stdio', version: '1', pid: process.pid }
        return send({ id, result: { protocolVersion: '2025-06-18', capabilities: {}, serverInfo } })
      }
      case 'hang': return
      case 'exit': return process.exit(3)
      case 'work':
        send({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
        return send({ id, result: { done: true } })
      case 'ask':
        return send({ id: 'server-1', method: 'roots/list' })
      case 'say':
        return send({ method: 'notifications/said', params })
      case 'heard':
        return send({ id, result: { answer } })
      case undefined:
        answer = result
        return
      default:
        if (id !== undefined) send({ id, result: params })
    }
  })`

/**
 * askingServer is the JavaScript of one whose `ask` and `prompts/get` ask the client, `afterMs` later, always under the id `q`: a server counts from the
 * start in each process. It answers with what the client did; `crash` ends it.
 */
export const askingServer = `
  const send = (message) => console.log(JSON.stringify({ jsonrpc: '2.0', ...message }))
  let call
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, result, params } = JSON.parse(line)
    const serverInfo = { name: 's', version: '1' }
    if (method === 'initialize') send({ id, result: { protocolVersion: params.protocolVersion, capabilities: {}, serverInfo } })
    else if (method === 'crash') process.exit(1)
    else if (method === 'ask' || method === 'prompts/get') {
      call = id
      setTimeout(() => send({ id: 'q', method: 'roots/list' }), params?.afterMs ?? 0)
    } else if (method === undefined) send({ id: call, result: { heard: result } })
    else if (id !== undefined) send({ id, result: {} })
  })`
