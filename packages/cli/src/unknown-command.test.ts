import { expect, it } from 'vitest'
import { createProgram } from './program.js'

const answer = async (...typed: readonly string[]): Promise<string> => {
  const program = createProgram({})
  program.configureOutput({ writeErr: () => undefined }).exitOverride()
  for (const each of program.commands)
    each.configureOutput({ writeErr: () => undefined }).exitOverride()
  return program.parseAsync(typed, { from: 'user' }).then(
    () => 'done',
    (error: unknown) => String(error),
  )
}

const router = 'scripts/mcp-router.sh'

it.each([
  [['probe'], `did you mean \`${router} backends probe\`?`],
  [['probe', 'everything'], `did you mean \`${router} backends probe\`?`],
  [['status'], `did you mean \`${router} cluster status\`?`],
  [['statsu'], `did you mean \`${router} cluster status\`?`],
  [['list'], `did you mean \`${router} backends list\` or \`${router} sessions list\`?`],
  [['list', '--json'], `did you mean \`${router} backends list\` or \`${router} sessions list\`?`],
  [['verfy'], `did you mean \`${router} verify\`?`],
  [['cluster', 'statsu'], `did you mean \`${router} cluster status\`?`],
  [['cluster', 'probe'], `did you mean \`${router} backends probe\`?`],
  [['backends', 'lst'], `did you mean \`${router} backends list\`?`],
  [['cluster', 'supervis'], `\`${router} cluster --help\` lists the commands`],
  [['statsu', '--help'], `did you mean \`${router} cluster status\`?`],
  [['backends', 'lst', '--help'], `did you mean \`${router} backends list\`?`],
  [['help', 'statsu'], `did you mean \`${router} cluster status\`?`],
  [['cluster', 'help', 'statsu'], `did you mean \`${router} cluster status\`?`],
  [['xyzzy'], `\`${router} --help\` lists the commands`],
])('%j is answered with what was probably meant', async (typed, advice) => {
  const unknown = typed.find((each) => !['cluster', 'backends', 'help'].includes(each))
  expect(await answer(...typed)).toBe(`Failure: unknown command "${unknown!}"; ${advice}`)
})
