import type { EventSink, RouterEvent } from '@mcp-router/core'
import type { Logger } from 'winston'
import { createCallLines } from './call-lines.js'
import { closeLog, openLog } from './log.js'
import type { LogOptions } from './log.js'
import { createMetrics } from './metrics.js'
import type { Metrics } from './metrics.js'

/** Observer turns what the data plane tells into log lines and metrics. */
export interface Observer extends EventSink {
  readonly log: Logger
  readonly metrics: Metrics
  close(): Promise<void>
}

export const createObserver = (options: LogOptions): Observer => {
  const log = openLog(options)
  const metrics = createMetrics(options.instance)
  const lines = createCallLines(log, options.instance)
  let closing: Promise<void> | undefined
  // A full disk must not end the process, and there is no log to tell it to.
  log.on('error', (error) => process.stderr.write(`mcp-router: logging: ${error.message}\n`))
  return {
    log,
    metrics,
    emit(event) {
      // A child that ends late has nobody left to hear of it.
      if (closing) return
      metrics.count(event)
      if (event.kind === 'call') lines.add(event)
      else tell(log, event)
    },
    close() {
      closing ??= Promise.resolve().then(() => {
        lines.flush()
        return closeLog(log)
      })
      return closing
    },
  }
}

const tell = (log: Logger, event: Exclude<RouterEvent, { kind: 'call' }>): void => {
  switch (event.kind) {
    case 'session': {
      const { action, kind, ...rest } = event
      log.info(`${kind} ${action}`, rest)
      break
    }
    case 'stream': {
      const { action, kind, ...rest } = event
      log.debug(`${kind} ${action}`, rest)
      break
    }
    case 'upstream': {
      const { action, kind, ...rest } = event
      const level = action === 'lost' || action === 'refused' ? 'warn' : 'info'
      log.log(level, `${kind} ${action}`, rest)
      break
    }
    case 'stderr': {
      const { line, backend, pid } = event
      log.info(line, { backend, pid, from: 'stderr' })
      break
    }
    case 'fault':
      log.error(`${event.doing}: ${event.error.message}`, { stack: event.error.stack })
      break
  }
}
