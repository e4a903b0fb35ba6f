import type { ProbeReport } from './backend-probe.js'
import { seconds } from './seconds.js'

/** probeLines tell of one Endpoint what there is to tell, a line each. */
export const probeLines = (report: ProbeReport): readonly string[] => {
  const { transport, address, durationMs, problem } = report
  const time = durationMs < 1000 ? `${durationMs} ms` : seconds(durationMs)
  const rows: readonly (readonly [string, string])[] =
    problem === undefined
      ? [
          ['transport', transport],
          ['era', `${report.era ?? ''} (${report.sign})`],
          ['revisions', report.revisions.join(', ') || 'it names none'],
          ['server', serverText(report)],
          ['time', time],
        ]
      : [['transport', transport], ['FAILED', problem], ...adviceOn(problem), ['time', time]]
  return [address, ...rows.map(([name, value]) => `  ${name.padEnd(9)}  ${value}`)]
}

const serverText = ({ server }: ProbeReport): string =>
  server === undefined ? 'it names none' : `${server.name} ${server.version}`.trim()

const advice: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, 'nothing listens there: start the server, or correct its url'],
  [/ENOTFOUND|EAI_AGAIN/, 'no such host: correct its url'],
  [/HTTP 40[13]\b/, 'it wants credentials: give it "headers" in the servers file'],
  [
    /HTTP 40[45]\b/,
    'no MCP server is at this path: correct its url, or for HTTP+SSE its transport',
  ],
  [/^spawn .* ENOENT$/, 'no such command, or no such "cwd": install the one, or correct it'],
  [/as modern|^initialize was refused/, 'leave "era" out in the servers file if it is there'],
]

const adviceOn = (problem: string): readonly (readonly [string, string])[] => {
  const found = advice.find(([sign]) => sign.test(problem))
  return found === undefined ? [] : [['to do', found[1]]]
}
