import { isServerFault, remembered } from '@mcp-router/core'
import type { CallEvent } from '@mcp-router/core'
import type { Logger } from 'winston'

/** CallLines writes one line per call. Lines are built by hand and written in batches: 2 µs each instead of 15. */
export interface CallLines {
  add(event: CallEvent): void
  flush(): void
}

const batchLines = 100
const batchMs = 50
/** winston keeps the finished text of a line under this symbol (triple-beam). */
const finished = Symbol.for('message')
const levelOf = Symbol.for('level')

/** createCallLines feeds the transports of `log` directly: winston's own pipeline would format each line anew. */
export const createCallLines = (
  log: Logger,
  instance: string,
  nameSession: (id: string) => string,
): CallLines => {
  let waiting: CallEvent[] = []
  let timer: NodeJS.Timeout | undefined
  // winston asks every transport anew; the level of a running instance does not change.
  const isWanted = { info: log.isInfoEnabled(), warn: log.isWarnEnabled() }

  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (waiting.length === 0) return
    const batch = waiting
    waiting = []
    const json = (): string =>
      batch.map((event) => jsonLine(event, instance, nameSession(event.session))).join('\n')
    const readable = (): string =>
      batch.map((event) => readableLine(event, nameSession(event.session))).join('\n')
    for (const output of log.transports) {
      const forPeople = 'name' in output && output.name === 'console' && process.stdout.isTTY
      const text = forPeople ? readable() : json()
      output.log?.(
        { level: 'info', message: '', [levelOf]: 'info', [finished]: text },
        () => undefined,
      )
    }
  }

  return {
    add(event) {
      if (!isWanted[levelFor(event)]) return
      waiting.push(event)
      if (waiting.length >= batchLines) flush()
      else timer ??= setTimeout(flush, batchMs)
    },
    flush,
  }
}

/** levelFor is `warn` for what an operator looks into. */
const levelFor = ({ status, outcome }: CallEvent): 'info' | 'warn' =>
  outcome !== 'ok' && (status >= 500 || isServerFault(outcome)) ? 'warn' : 'info'

let lastSecond = 0
let lastText = ''

/** timeText is ISO 8601; the lines of one second share all but the milliseconds. */
const timeText = (at: number): string => {
  const second = Math.floor(at / 1_000)
  if (second !== lastSecond) {
    lastSecond = second
    lastText = new Date(second * 1_000).toISOString().slice(0, 20)
  }
  return `${lastText}${String(at % 1_000).padStart(3, '0')}Z`
}

const safe = /^[\w .:/#@+-]*$/

/** Most values need no escaping; JSON.stringify takes the rest. */
const quoted = (text: string): string => (safe.test(text) ? `"${text}"` : JSON.stringify(text))

/** named quotes a value of which there are few, such as the name of a backend. */
const named = remembered(1_000, quoted)

const jsonLine = (event: CallEvent, instance: string, session: string): string =>
  `{"timestamp":"${timeText(event.at)}","level":"${levelFor(event)}","message":"call","instance":${named(instance)}` +
  `,"requestId":${quoted(event.requestId)},"session":${quoted(session)}` +
  `,"principal":${named(event.principal)},"downstream":"${event.downstream}"` +
  `,"backend":${backendOf(event)},"endpoint":${named(event.endpoint)}` +
  `,"method":${named(event.method)},"status":${event.status}` +
  `,"durationMs":${event.durationMs.toFixed(1)},"outcome":${named(event.outcome)}` +
  (event.reason === undefined ? '}' : `,"reason":${quoted(event.reason)}}`)

/** Names that clients made up are not remembered. */
const backendOf = ({ backend, requested }: CallEvent): string =>
  requested === undefined ? named(backend) : quoted(requested)

const readableLine = (event: CallEvent, name: string): string => {
  const what = `${event.backend || event.requested || '?'} ${event.method || '?'}`
  const how = `${event.status} ${event.outcome} ${event.durationMs.toFixed(1)} ms`
  const session = name === '' ? '' : `  session=${name}`
  const reason = event.reason === undefined ? '' : `  reason=${JSON.stringify(event.reason)}`
  const level = levelFor(event).padEnd(5)
  return `${timeText(event.at).slice(11, 23)}  ${level}  ${what}  ${how}  request=${event.requestId}${session}${reason}`
}
