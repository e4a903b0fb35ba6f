import { adviceOnEnd, maybeStreamable, noServerThere } from '@mcp-router/upstream'
import type { ProbeReport } from './backend-probe.js'
import { seconds } from '../seconds.js'

/** probeLines tell of one Endpoint what there is to tell, a line each. */
export const probeLines = (report: ProbeReport): readonly string[] => {
  const { transport, address, durationMs, problem } = report
  const time = durationMs < 1000 ? `${durationMs} ms` : seconds(durationMs)
  const rows: readonly (readonly [string, string])[] =
    problem === undefined
      ? [
          ['transport', transport],
          ['era', `${report.era ?? ''} (${report.sign})`],
          [revisionsLabel(report), report.revisions.join(', ') || 'it names none'],
          ['server', serverText(report)],
          ['time', time],
        ]
      : [
          ['transport', transport],
          ['FAILED', problem.replace(`; ${noServerThere}`, '')],
          ...adviceOn(report, problem),
          ['time', time],
        ]
  return [address, ...rows.map(([name, value]) => `  ${name.padEnd(10)}  ${value}`)]
}

/** A server of the legacy era names none but the one that it agreed on with its client. */
const revisionsLabel = ({ era }: ProbeReport): string =>
  era === 'legacy' ? 'negotiated' : 'revisions'

const serverText = ({ server }: ProbeReport): string =>
  server === undefined ? 'it names none' : `${server.name} ${server.version}`.trim()

const advice: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, 'nothing listens there: start the server, or correct its url'],
  [/ENOTFOUND|EAI_AGAIN/, 'no such host: correct its url'],
  [/HTTP 40[13]\b/, 'it wants credentials: give it "headers" in the servers file'],
  [/HTTP 40[45]\b/, noServerThere],
  [/^there is no folder/, 'create it, or correct "cwd" in the servers file'],
  [/^there is no command "~/, '"~" is not expanded: write ${HOME} in its command'],
  [/^there is no command/, 'install it, or correct "command" in the servers file'],
  [/^spawn .* ENOENT$/, 'what the command runs with is not there: install it, or correct it'],
  [/as modern|^initialize was refused/, 'leave "era" out in the servers file if it is there'],
]

/** What a server that speaks no HTTP+SSE says to a GET. */
const notSse = /HTTP (2\d\d|40[0456])\b|^no endpoint event/

const adviceOn = (
  { transport }: ProbeReport,
  problem: string,
): readonly (readonly [string, string])[] => {
  if (transport === 'sse' && notSse.test(problem)) return [['to do', maybeStreamable]]
  const found = advice.find(([sign]) => sign.test(problem))?.[1] ?? adviceOnEnd(problem)
  return found === undefined ? [] : [['to do', found]]
}
