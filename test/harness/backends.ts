import { everything, exampleServer, fixtureScript } from './paths.js'

/** ServerEntry is one entry of a servers file. */
export type ServerEntry = Readonly<Record<string, unknown>>

/** everythingEntry is the reference server as a command. */
export const everythingEntry: ServerEntry = { command: process.execPath, args: [everything] }

/** exampleEntry is the example server twice, started by the cluster itself. */
export const exampleEntry = (firstPort: number): ServerEntry => ({
  endpoints: [firstPort, firstPort + 1].map((port) => ({
    url: `http://127.0.0.1:${port}/mcp`,
    start: `${process.execPath} ${exampleServer} --port ${port}`,
  })),
})

/** oddStdioEntry is the odd backend as a command. */
export const oddStdioEntry: ServerEntry = {
  command: process.execPath,
  args: [fixtureScript('odd-stdio')],
}

/** wrappedStdioEntry is the same behind a shell that leaves another process running, as wrappers do. */
export const wrappedStdioEntry: ServerEntry = {
  command: 'sh',
  args: ['-c', 'sleep 300 & exec "$0" "$1"', process.execPath, fixtureScript('odd-stdio')],
}
