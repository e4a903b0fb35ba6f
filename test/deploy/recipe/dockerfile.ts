import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './tools.js'

/** Instruction is one of a Dockerfile: `COPY`, and what follows. */
export interface Instruction {
  readonly name: string
  readonly rest: string
}

/** Stage is a FROM and what follows up to the next one. */
interface BuildStage {
  readonly from: string
  readonly instructions: readonly Instruction[]
}

const text = readFileSync(join(root, 'deploy/docker/Dockerfile'), 'utf8')

const instructions = text
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .flatMap((line): readonly Instruction[] => {
    const [, name, rest] = /^([A-Z]+) (.*)$/.exec(line) ?? []
    return name === undefined || rest === undefined ? [] : [{ name, rest }]
  })

/** dockerStages are the stages of deploy/docker/Dockerfile, in order. */
export const dockerStages: readonly BuildStage[] = instructions.reduce<BuildStage[]>(
  (stages, { name, rest }) => {
    const last = stages.at(-1)
    if (name === 'FROM') return [...stages, { from: rest, instructions: [] }]
    if (last === undefined) return stages
    const more = [...last.instructions, { name, rest }]
    return [...stages.slice(0, -1), { ...last, instructions: more }]
  },
  [],
)

/** lastOf is the last instruction of that name in the image; one that is not there is a mistake of the test. */
export const lastOf = (name: string): string => {
  const found = dockerStages.at(-1)?.instructions.findLast((each) => each.name === name)
  if (found === undefined) throw new Error(`the image has no ${name}`)
  return found.rest
}

/** isSent tells whether .dockerignore lets a path of the repository reach the builder: of the lines that fit, the last one counts. */
export const isSent = (path: string): boolean =>
  readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .reduce((sent, line) => {
      const lets = line.startsWith('!')
      return patternOf(lets ? line.slice(1) : line).test(path) ? lets : sent
    }, true)

/** A pattern that fits a folder fits all that is in it. */
const patternOf = (pattern: string): RegExp => {
  const source = pattern
    .replaceAll(/[.+^$()[\]{}|\\]/g, String.raw`\$&`)
    .replaceAll('**/', '\u0000')
    .replaceAll('*', '[^/]*')
    .replaceAll('\u0000', '(?:.*/)?')
  return new RegExp(`^${source}(?:/.*)?$`)
}
