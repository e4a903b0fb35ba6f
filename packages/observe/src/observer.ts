import type { EventSink, RouterEvent } from '@mcp-router/core'
import type { Logger } from 'winston'
import { createCallLines } from './call-lines.js'
import { openLog } from './log.js'
import type { LogOptions } from './log.js'
import { createMetrics } from './metrics.js'
import type { Metrics } from './metrics.js'
import { createRefusals } from './refusals.js'

/** Observer turns what the data plane tells into log lines and metrics. */
export interface Observer extends EventSink {
  readonly log: Logger
  readonly metrics: Metrics
  close(): Promise<void>
}

/** ObserverOptions: `nameSession` makes of the id of a Session what logs may show (createSessionHash of `core`). */
export interface ObserverOptions extends LogOptions {
  readonly nameSession: (id: string) => string
}

export const createObserver = (options: ObserverOptions): Observer => {
  const { nameSession } = options
  const { log, close } = openLog(options)
  const metrics = createMetrics(options.instance)
  const isNews = createRefusals()
  const lines = createCallLines(log, options.instance, nameSession)
  let closing: Promise<void> | undefined
  // An error of standard output must not end the process, and there is no log to write it to.
  log.on('error', (error) => process.stderr.write(`mcp-router: logging: ${error.message}\n`))
  return {
    log,
    metrics,
    emit(event) {
      // A child that ends late has nobody left to hear of it.
      if (closing) return
      metrics.count(event)
      if (event.kind === 'call') lines.add(event)
      else if (isNews(event)) logEvent(log, event, nameSession)
    },
    close() {
      closing ??= Promise.resolve().then(() => {
        lines.flush()
        return close()
      })
      return closing
    },
  }
}

const withoutStore = 'live sessions and calls go on, new sessions are refused with 503'

const logEvent = (
  log: Logger,
  event: Exclude<RouterEvent, { kind: 'call' }>,
  nameSession: ObserverOptions['nameSession'],
): void => {
  switch (event.kind) {
    case 'session': {
      const { action, kind, session, ...rest } = event
      log.info(`${kind} ${action}`, { session: nameSession(session), ...rest })
      break
    }
    case 'stream': {
      const { action, kind, session, ...rest } = event
      log.debug(`${kind} ${action}`, { session: nameSession(session), ...rest })
      break
    }
    case 'upstream': {
      const { action, kind, ...rest } = event
      const level = action === 'opened' || action === 'closed' ? 'info' : 'warn'
      log.log(level, `${kind} ${action}`, rest)
      break
    }
    case 'stderr': {
      const { line, backend, pid } = event
      log.info(line, { backend, pid, from: 'stderr' })
      break
    }
    case 'store':
      if (event.up) log.info('store.available', { afterMs: event.afterMs })
      else log.warn('store.unavailable', { reason: event.reason, effect: withoutStore })
      break
    case 'fault':
      log.error(`${event.doing}: ${event.error.message}`, { stack: event.error.stack })
      break
  }
}
