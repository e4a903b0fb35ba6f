import type { Explanation } from '@mcp-router/gateway'
import { table } from '../table.js'

/** explanationLines tell a person what happened to a Session: what it is now, its history as a table, and both in a sentence. */
export const explanationLines = ({
  id,
  session,
  life,
  summary,
}: Explanation): readonly string[] => {
  const facts = session === null ? [['state', 'ended']] : factsOf(session)
  const all: readonly (readonly string[])[] = [['session', id], ...facts]
  const rows = life.map(({ at, kind, instance, cause }) => [
    timeOf(at),
    whatIn(kind),
    instance,
    cause,
  ])
  const events = table(['time (UTC)', 'what', 'instance', 'why'], rows)
  return [
    ...all.map(([name = '', value = '']) => `${name.padEnd(9)}  ${value}`),
    '',
    ...(rows.length === 0 ? ['nothing is kept of what happened to it'] : events),
    '',
    summary,
  ].map(plain)
}

const factsOf = (session: NonNullable<Explanation['session']>): readonly (readonly string[])[] => [
  ['server', `${session.backend}, at ${session.endpoint}`],
  ['client', [clients[session.downstream], session.revision].filter(Boolean).join(', ')],
  [
    'owner',
    session.owner === null
      ? 'none, any instance goes on with it'
      : `${session.owner}, epoch ${session.epoch}`,
  ],
  ['last used', timeOf(session.lastActive)],
]

/** A kind that does not say what was done is shown by another name. */
const whatIn = (kind: string): string => (kind === 'settled' ? 'pending calls' : kind)

const clients = { http: 'Streamable HTTP', sse: 'HTTP+SSE' } as const

/** timeOf shortens ISO-8601: whose clock it is stands above. */
const timeOf = (iso: string): string => iso.replace('T', ' ').replace(/Z$/, '')

/** What comes from elsewhere may hold control characters, on which a terminal acts. */
const plain = (line: string): string => line.replace(/\p{C}+/gu, ' ')
