/** serverName is what the server calls itself, to clients and on its terminal. */
export const serverName = 'mcp-server-v6'
