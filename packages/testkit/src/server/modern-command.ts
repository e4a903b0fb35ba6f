/**
 * modernCommand is the JavaScript of a stdio server of 2026-07-28. Its tools: `count` says how often it was called, and by which process;
 * `progress` sends progress first; `hang` never answers; `mute` neither, nor anything after it; `cancelled` says what was cancelled; `exit` ends it.
 */
export const modernCommand = `
  const send = (message) => console.log(JSON.stringify({ jsonrpc: '2.0', ...message }))
  let count = 0
  let isMute = false
  const cancelled = []
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line)
    if (isMute) return
    const complete = (result) => send({ id, result: { resultType: 'complete', ...result } })
    if (method === 'notifications/cancelled') return cancelled.push(params.requestId)
    if (method === 'server/discover') {
      return complete({ supportedVersions: ['2026-07-28'], capabilities: {}, ttlMs: 0, cacheScope: 'private' })
    }
    if (method !== 'tools/call') return send({ id, error: { code: -32601, message: 'unknown' } })
    switch (params.name) {
      case 'hang': return
      case 'mute': return void (isMute = true)
      case 'exit': return process.exit(3)
      case 'cancelled': return complete({ cancelled: cancelled.length })
      case 'progress':
        send({ method: 'notifications/progress', params: { progressToken: params._meta.progressToken, progress: 1 } })
        return complete({ done: true })
      case 'caps': return send({ id, error: { code: -32021, message: 'no', data: { requiredCapabilities: {} } } })
      default: return complete({ pid: process.pid, count: ++count, state: params.requestState })
    }
  })`

/** askingCommand is the JavaScript of a stdio server with sessions, each of whose tools asks its client once. */
export const askingCommand = `
  const send = (message) => console.log(JSON.stringify({ jsonrpc: '2.0', ...message }))
  let call
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, result } = JSON.parse(line)
    const serverInfo = { name: 'asking', version: '1' }
    if (method === 'initialize') send({ id, result: { protocolVersion: '2025-06-18', capabilities: {}, serverInfo } })
    else if (method === 'tools/list') send({ id, result: { tools: [] } })
    else if (method === 'tools/call') {
      call = id
      send({ id: 'q', method: 'elicitation/create', params: { message: 'sure?', requestedSchema: { type: 'object' } } })
    }
    else if (method === undefined) send({ id: call, result: { heard: result, pid: process.pid } })
    else if (id !== undefined) send({ id, error: { code: -32601, message: 'unknown' } })
  })`
