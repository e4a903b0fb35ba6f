import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { about } from './about.js'
import { greeting } from './greeting.js'
import { notes } from './notes.js'
import { serverName } from './server-name.js'
import { add } from './tools/add.js'
import { askUser } from './tools/ask-user.js'
import { echo } from './tools/echo.js'
import { getWeather } from './tools/get-weather.js'
import { listRoots } from './tools/list-roots.js'
import { log } from './tools/log.js'
import { slow } from './tools/slow.js'
import { summarize } from './tools/summarize.js'

// Everything that the server offers. To offer more, write a function like these and add it here.
const offers = [
  echo,
  add,
  getWeather,
  slow,
  askUser,
  summarize,
  listRoots,
  log,
  notes,
  about,
  greeting,
]

/**
 * createMcpServer makes the server of one session; what its parts remember belongs to that session.
 */
export const createMcpServer = (): McpServer => {
  const server = new McpServer(
    { name: serverName, version: '6.0.0' },
    {
      capabilities: { logging: {} },
      instructions: 'An example: its tools show what MCP can do. Start with echo.',
    },
  )
  for (const offer of offers) offer(server)
  return server
}
