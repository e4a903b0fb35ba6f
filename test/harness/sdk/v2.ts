import { Client } from '@modelcontextprotocol/client'
import type { Transport } from '@modelcontextprotocol/client'
import { clientInfo, elicited, roots, sampled } from './client.js'
import type { Heard, SdkClient } from './client.js'

const capabilities = {
  sampling: {},
  elicitation: { form: {}, url: {} },
  roots: { listChanged: true },
}

/** connectV2 connects the client of @modelcontextprotocol/client, which speaks the legacy era by default. */
export const connectV2 = async (
  transport: Transport,
  end: () => Promise<void> = () => Promise.resolve(),
): Promise<SdkClient> => {
  const client = new Client(clientInfo, { capabilities })
  const heard: Heard = { notifications: [], requests: [] }
  client.fallbackNotificationHandler = (notification) => {
    heard.notifications.push(notification)
    return Promise.resolve()
  }
  client.setRequestHandler('sampling/createMessage', (request) => {
    heard.requests.push(request)
    return sampled
  })
  client.setRequestHandler('elicitation/create', (request) => {
    heard.requests.push(request)
    return elicited(request.params)
  })
  client.setRequestHandler('roots/list', (request) => {
    heard.requests.push(request)
    return roots
  })
  await client.connect(transport)
  return {
    sdk: 'v2',
    heard,
    serverInfo: () => [
      client.getServerVersion(),
      client.getServerCapabilities(),
      client.getInstructions(),
    ],
    listTools: () => client.listTools(),
    callTool: (call, onprogress) => client.callTool(call, onprogress ? { onprogress } : {}),
    runTask: undefined,
    listPrompts: () => client.listPrompts(),
    getPrompt: (name, args) => client.getPrompt({ name, arguments: args }),
    listResources: () => client.listResources(),
    listResourceTemplates: () => client.listResourceTemplates(),
    readResource: (uri) => client.readResource({ uri }),
    subscribe: (uri) => client.subscribeResource({ uri }),
    unsubscribe: (uri) => client.unsubscribeResource({ uri }),
    complete: (prompt, name, value) =>
      client.complete({ ref: { type: 'ref/prompt', name: prompt }, argument: { name, value } }),
    setLevel: (level) => client.setLoggingLevel(level),
    async close() {
      await end()
      await client.close()
    },
  }
}
