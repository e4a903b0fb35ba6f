import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const checks = z.array(
  z.object({
    id: z.string(),
    name: z.string(),
    status: z.enum(['SUCCESS', 'FAILURE', 'WARNING', 'SKIPPED', 'INFO']),
    errorMessage: z.string().optional(),
    details: z.unknown().optional(),
  }),
)

/** Check is one thing that a scenario looked at. */
export type Check = z.infer<typeof checks>[number]

/** ScenarioResult is how one scenario of the suite went. */
export interface ScenarioResult {
  readonly scenario: string
  readonly hasPassed: boolean
  /** False: run and reported, but no revision requires it (extensions, what came later). */
  readonly isScored: boolean
  /** Nothing where the scenario itself broke. */
  readonly checks: readonly Check[]
}

/** SuiteResults are the scenarios of one run by name, in the order of the run. */
export type SuiteResults = ReadonlyMap<string, ScenarioResult>

/** readResults reads a run of the suite: its summary, and the checks that it left in `folder`. */
export const readResults = async (output: string, folder: string): Promise<SuiteResults> => {
  const summary = output.split('=== SUMMARY ===')[1]
  if (summary === undefined) throw new Error(`the suite did not come to its end:\n${output}`)
  const notScored = new Set([...summary.matchAll(/^ {2}[✓✗] (\S+) \(/gm)].map(([, name]) => name))
  const left = await checksIn(folder)
  return new Map(
    [...summary.matchAll(/^[✓✗] (\S+): \d+ passed, (\d+) failed$/gm)].map(
      ([, scenario = '', failed]) => [
        scenario,
        {
          scenario,
          hasPassed: failed === '0',
          isScored: !notScored.has(scenario),
          checks: left.get(scenario) ?? [],
        },
      ],
    ),
  )
}

/** The suite names a folder `server-<scenario>-<time>`. */
const checksIn = async (folder: string): Promise<ReadonlyMap<string, readonly Check[]>> => {
  const all = new Map<string, readonly Check[]>()
  for (const name of await readdir(folder)) {
    const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(name)?.[1]
    if (scenario === undefined) continue
    const text = await readFile(join(folder, name, 'checks.json'), 'utf8')
    all.set(scenario, checks.parse(JSON.parse(text)))
  }
  return all
}

/** failedScenarios names the scenarios that failed, by default among those that count. */
export const failedScenarios = (
  results: SuiteResults,
  isMeant = ({ isScored }: ScenarioResult): boolean => isScored,
): readonly string[] =>
  [...results.values()]
    .filter((result) => !result.hasPassed && isMeant(result))
    .map(({ scenario }) => scenario)

/** failedChecks names the checks that failed in the scenarios that count, each as `<scenario>: <check>`. */
export const failedChecks = (results: SuiteResults): readonly string[] => {
  const all = [...results.values()].filter(({ hasPassed, isScored }) => isScored && !hasPassed)
  return all.flatMap(({ scenario, checks }) => {
    const failed = checks.filter(({ status }) => status === 'FAILURE')
    if (failed.length === 0) return [`${scenario}: did not come to its end`]
    return [...new Set(failed.map(({ id }) => `${scenario}: ${id}`))]
  })
}

/** countChecks counts the checks with a status, over all scenarios. */
export const countChecks = (results: SuiteResults, status: Check['status']): number =>
  [...results.values()].flatMap(({ checks }) => checks).filter((check) => check.status === status)
    .length

/** tellFailures is a line for each failed check of the scenarios that count, for whoever reads a failed test. */
export const tellFailures = (results: SuiteResults): string =>
  [...results.values()]
    .filter(({ hasPassed, isScored }) => isScored && !hasPassed)
    .flatMap(({ scenario, checks }) =>
      checks
        .filter(({ status }) => status === 'FAILURE')
        .map(({ id, errorMessage }) => `${scenario}: ${id}: ${errorMessage ?? ''}`),
    )
    .join('\n')
