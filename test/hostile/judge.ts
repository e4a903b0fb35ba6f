import { isResponseTo } from './clients.js'
import type { Heard } from './exchange.js'
import type { Step } from './step.js'

/** Fault is something that must not be. */
export interface Fault {
  readonly kind: string
  readonly text: string
}

/** faultsOf says what is wrong with what a client heard. `own` are the steps of this client's session, whose bytes it may hear. */
export const faultsOf = (step: Step, heard: Heard, own: ReadonlySet<number>): readonly Fault[] => {
  const faults: Fault[] = []
  const add = (kind: string): void => void faults.push({ kind, text: shownHeard(heard) })
  for (const stranger of marksIn(heard)) if (!own.has(stranger)) add('bytes of another call')
  if (/^Internal error: see the log/m.test(heard.body)) add('an internal error')
  if (step.method === 'GET') return faults
  if (step.id === undefined) {
    if (heard.status === 200 && heard.body !== '') add('a notification was answered')
    return faults
  }
  const answers = heard.messages.filter((each) => isResponseTo(each, step.id))
  if (answers.length === 0 && !mayResume(step, heard)) add('no response with the id')
  if (answers.length > 1) add('more than one response')
  if (!heard.messages.every(isJsonRpc)) add('no JSON-RPC')
  return faults
}

/** mayResume tells that the server named its events, and ended the stream before the response: whoever has a session comes back for the rest. */
const mayResume = ({ client }: Step, { headers, body }: Heard): boolean =>
  client === 'http' && headers.includes('text/event-stream') && /^id:/m.test(body)

/** shownHeard is the beginning of an answer, for a person. */
export const shownHeard = ({ status, headers, body }: Heard): string =>
  `${status} ${/^content-type: .*$/m.exec(headers)?.[0] ?? ''} ${body.length} bytes ${JSON.stringify(body.slice(0, 300))}`

const marksIn = ({ headers, body }: Heard): ReadonlySet<number> =>
  new Set([...`${headers}\n${body}`.matchAll(/odd~(\d+)~/g)].map(([, n]) => Number(n)))

/** What stands in a result or in an error is the server's affair; that it is one, with an id, is the router's. */
const isJsonRpc = (text: string): boolean => {
  try {
    const message = JSON.parse(text) as Readonly<Record<string, unknown>> | null
    if (typeof message?.['method'] === 'string') return true
    const isResponse = message !== null && ('result' in message || 'error' in message)
    return isResponse && ['string', 'number'].includes(typeof message['id'])
  } catch {
    return false
  }
}
