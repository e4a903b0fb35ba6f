import { env } from 'node:process'
import { parseArgs } from 'node:util'
import { serverName } from './server-name.js'

/** Options of the command line. */
export interface Options {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
}

export const usage = `usage: ${serverName} [--port N] [--host HOST]

  --port N      where it listens, 0 for any free port (PORT, else 8071)
  --host HOST   the address it listens on (127.0.0.1)
`

/**
 * readOptions resolves with undefined when help was asked for; it throws at what it does not
 * understand.
 */
export const readOptions = (args: readonly string[]): Options | undefined => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string', default: env['PORT'] ?? '8071' },
      host: { type: 'string', default: '127.0.0.1' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  const port = Number(values.port)
  if (!/^\d{1,5}$/.test(values.port) || port > 65_535)
    throw new Error(`"${values.port}" is not a port`)
  return { host: values.host, port }
}
