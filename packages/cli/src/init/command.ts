import type { Env } from '@mcp-router/config'
import type { Command } from 'commander'
import { createInterface, type Interface } from 'node:readline/promises'
import { resolve } from 'node:path'
import { commandName } from '../command-name.js'
import { say } from '../terminal.js'
import { findClientFiles, type ClientFile } from './client-files.js'
import { init, readClientFile, serversFileIn } from './init.js'

interface InitOptions {
  readonly example?: boolean
  readonly import?: readonly string[] | true
  readonly yes?: boolean
}

/** addInit adds the command that makes a folder with a servers file. */
export const addInit = (program: Command, env: Env): void => {
  program
    .command('init')
    .argument('[folder]', 'where the servers file goes', '.')
    .description(
      'make a folder with a servers file: with the servers of the MCP clients on this machine, or one to try things with',
    )
    .option(
      '--import [files...]',
      'take over the servers of these files, or of all MCP clients found',
    )
    .option('--example', 'add the reference server of the MCP project, run by npx')
    .option('-y, --yes', 'ask nothing')
    .addHelpText(
      'after',
      `\nWithout flags it asks, where there is a terminal. An existing servers file is never changed.\n\nExamples:\n  ${commandName} init my-router --example\n  ${commandName} init --import ~/.cursor/mcp.json`,
    )
    .action(async (folder: string, options: InitOptions) => {
      serversFileIn(folder)
      for (const line of init(await askedFor(env, folder, options))) say(line)
    })
}

const askedFor = async (env: Env, folder: string, options: InitOptions) => {
  const { example = false, import: named } = options
  if (Array.isArray(named))
    return { folder, example, files: (named as readonly string[]).map(readClientFile) }
  const found = findClientFiles(env, resolve(folder))
  if (named === true) return { folder, example, files: found }
  const isDecided = example || options.yes === true
  if (isDecided || !process.stdin.isTTY || !process.stdout.isTTY) {
    if (!example)
      for (const each of found) say(`found ${textOf(each)}; take them over with --import`)
    return { folder, example: true, files: [] }
  }
  return ask(folder, found)
}

const ask = async (folder: string, found: readonly ClientFile[]) => {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    const files: ClientFile[] = []
    for (const each of found)
      if (await isYes(terminal, `Take over ${textOf(each)}?`, true)) files.push(each)
    const example = await isYes(
      terminal,
      'Add the reference server of the MCP project ("everything", run by npx) to try things with?',
      files.length === 0,
    )
    return { folder, example, files }
  } finally {
    terminal.close()
  }
}

const isYes = async (terminal: Interface, question: string, usual: boolean): Promise<boolean> => {
  const answer = await terminal.question(`${question} [${usual ? 'Y/n' : 'y/N'}] `)
  return answer.trim() === '' ? usual : /^y/i.test(answer.trim())
}

const textOf = ({ client, path, servers }: ClientFile): string => {
  const names = Object.keys(servers)
  return `${names.length} server${names.length === 1 ? '' : 's'} of ${client} (${names.join(', ')}; ${path})`
}
