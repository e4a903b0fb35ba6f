import { createLogger, format, transports } from 'winston'
import type { Logger } from 'winston'
import { readable } from './readable.js'

/** LogOptions say where log lines go. */
export interface LogOptions {
  readonly instance: string
  readonly level: string
  /** JSON lines are appended here and the file is rotated; undefined: standard output. */
  readonly file: string | undefined
}

const maxFileBytes = 64 * 1024 * 1024
const maxFiles = 5

/** Time, level and text first, as in the lines of calls. */
const jsonLine = format.printf(({ timestamp, level, message, instance: from, ...rest }) =>
  JSON.stringify({ timestamp, level, message, instance: from, ...rest }),
)

/** isTerminal tells whether a person reads standard output. */
export const isTerminal = (): boolean => process.stdout.isTTY

/** openLog writes JSON lines to the file, and readable ones where a person watches. */
export const openLog = ({ instance, level, file }: LogOptions): Logger => {
  const json = format.combine(format.timestamp(), jsonLine)
  const outputs: (transports.FileTransportInstance | transports.ConsoleTransportInstance)[] = []
  if (file !== undefined) {
    const name = { filename: file, maxsize: maxFileBytes, maxFiles, tailable: true }
    outputs.push(new transports.File({ ...name, format: json }))
  }
  if (isTerminal()) outputs.push(new transports.Console({ format: readable }))
  else if (file === undefined) outputs.push(new transports.Console({ format: json }))
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston's own types disagree
  return createLogger({ level, defaultMeta: { instance }, transports: outputs })
}

/** closeLog resolves once every line is written. */
export const closeLog = (log: Logger): Promise<void> =>
  new Promise((resolve) => {
    log.once('finish', resolve)
    log.end()
  })
