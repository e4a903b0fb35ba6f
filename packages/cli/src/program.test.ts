import type { Command } from 'commander'
import { expect, it } from 'vitest'
import { createProgram } from './program.js'

const all = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(all)]

it('tells in its help what a switch does, and no default that is none', () => {
  const help = all(createProgram({})).map((each) => each.helpInformation())
  expect(help.join('\n')).not.toContain('(default: false)')
  const json = help.filter((each) => each.includes('--json'))
  expect(json).toHaveLength(5)
  for (const each of json) expect(each).toMatch(/--json +prints JSON$/m)
})
