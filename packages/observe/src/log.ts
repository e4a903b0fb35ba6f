import { createLogger, format, transports } from 'winston'
import type { Logger } from 'winston'
import type { Writable } from 'node:stream'
import { openLogFile } from './log-file.js'
import { readable } from './readable.js'

/** LogOptions say where log lines go. */
export interface LogOptions {
  readonly instance: string
  readonly level: string
  /** JSON lines are appended here and the file is rotated; undefined: standard output. */
  readonly file: string | undefined
}

/** Log is where lines go. */
export interface Log {
  readonly log: Logger
  /** Resolves once every line is written. */
  readonly close: () => Promise<void>
}

const rotation = { maxBytes: 64 * 1024 * 1024, maxFiles: 5, maxWaiting: 8 * 1024 * 1024 }

/** Time, level and text first, as in the lines of calls. */
const jsonLine = format.printf(({ timestamp, level, message, instance: from, ...rest }) =>
  JSON.stringify({ timestamp, level, message, instance: from, ...rest }),
)

/** isTerminal tells whether a person reads standard output. */
export const isTerminal = (): boolean => process.stdout.isTTY

/** openLog writes JSON lines to the file, and readable ones where a person watches. It throws an Error fit to print where the file cannot be written. */
export const openLog = ({ instance, level, file }: LogOptions): Log => {
  const json = format.combine(format.timestamp(), jsonLine)
  const outputs: (transports.StreamTransportInstance | transports.ConsoleTransportInstance)[] = []
  const stream = file === undefined ? undefined : openLogFile(file, { ...rotation, onLost })
  if (stream) outputs.push(new transports.Stream({ stream, format: json }))
  if (isTerminal()) outputs.push(new transports.Console({ format: readable }))
  else if (stream === undefined) outputs.push(new transports.Console({ format: json }))
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston's own types disagree
  const log = createLogger({ level, defaultMeta: { instance }, transports: outputs })
  return {
    log,
    async close() {
      await ended(log)
      if (stream) await ended(stream)
    },
  }
}

const ended = (stream: Logger | Writable): Promise<void> =>
  new Promise((resolve) => {
    stream.once('finish', resolve)
    stream.end()
  })

// A full disk must not end the process, and there is no log to write it to.
const onLost = (reason: string): void => {
  process.stderr.write(`mcp-router: logging: ${reason}\n`)
}
