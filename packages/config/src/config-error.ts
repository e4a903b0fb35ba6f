import { withoutCredentialsIn } from './without-credentials.js'

/** Problem is one thing that is wrong with the configuration, and where. */
export interface Problem {
  /** The servers file, as a person would type it; undefined for a variable or an option. */
  readonly file?: string
  /** Counted from 1. */
  readonly line?: number
  readonly column?: number
  /** What is wrong: `servers.weather.url: "foo" is not a URL`. */
  readonly reason: string
  /** What to do about it, in the imperative. */
  readonly advice: string
}

const place = ({ file, line, column }: Problem): string => {
  if (file === undefined) return ''
  return line === undefined ? `${file}: ` : `${file}:${line}:${column ?? 1}: `
}

/** problemText is fit to print: its place, what is wrong, what to do. A path or a key may be a URL, too. */
export const problemText = (problem: Problem): string =>
  withoutCredentialsIn(`${place(problem)}${problem.reason}; ${problem.advice}`)

const text = (problems: readonly Problem[]): string => {
  const sentences = problems.map(problemText)
  if (sentences.length === 1) return sentences.join()
  return [`${sentences.length} problems in the configuration:`, ...sentences].join('\n  ')
}

/** ConfigError tells everything that is wrong at once. Its message is fit to print. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(text(problems))
    this.name = 'ConfigError'
    this.problems = problems
  }
}
