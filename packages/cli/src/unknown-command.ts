import { nearest } from '@mcp-router/config'
import type { Command } from 'commander'
import { Failure } from './failure.js'

/** refuseUnknown answers a command that there is not with the one that was probably meant, at its own level or at another one. */
export const refuseUnknown = (program: Command): void => {
  for (const level of [program, ...program.commands].filter(({ commands }) => commands.length > 0))
    level
      .on('command:*', ([typed = '']: readonly string[]) => refuse(program, level, typed))
      // Where help is asked for, too, that comes first.
      .on('beforeHelp', () => {
        const [first = '', second = ''] = level.args
        const typed = first === 'help' ? second : first
        if (isUnknown(level, typed)) refuse(program, level, typed)
      })
}

const refuse = (program: Command, level: Command, typed: string): never => {
  const here = namedAs(visible(level), typed)
  // All of the name that is nearest: two have a command `list`.
  const meant = here.length > 0 ? here : namedAs(program.commands.flatMap(visible), typed)
  const advice =
    meant.length === 0
      ? `\`${pathOf(level)} --help\` lists the commands`
      : `did you mean ${meant.map((each) => `\`${pathOf(each)}\``).join(' or ')}?`
  throw new Failure(`unknown command "${typed}"; ${advice}`)
}

const isUnknown = (level: Command, typed: string): boolean =>
  typed !== '' &&
  !typed.startsWith('-') &&
  typed !== 'help' &&
  !level.commands.some((each) => each.name() === typed)

const namedAs = (commands: readonly Command[], typed: string): readonly Command[] => {
  const names = commands.map((each) => each.name())
  const meant = nearest(typed, names)
  return commands.filter((each) => each.name() === meant)
}

const visible = (level: Command): readonly Command[] =>
  level
    .createHelp()
    .visibleCommands(level)
    // Commander's own `help` is in no tree.
    .filter(({ parent }) => parent !== null)

const pathOf = (command: Command): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
