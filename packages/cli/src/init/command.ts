import type { Env } from '@mcp-router/config'
import type { Command } from 'commander'
import { createInterface, type Interface } from 'node:readline/promises'
import { resolve } from 'node:path'
import { commandName } from '../command-name.js'
import { Failure } from '../failure.js'
import { say } from '../terminal.js'
import { findClientFiles, type ClientFile } from './client-files.js'
import { init, readClientFile, serversFileIn, type Asked } from './init.js'

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
      'make a servers file: of the servers of the MCP clients on this machine, or of one to try things with',
    )
    .option(
      '--import [file]',
      'take over the servers of this file (repeatable), or of all MCP clients found',
      (file: string, before: readonly string[] | undefined) => [...(before ?? []), file],
    )
    .option('--example', 'add the reference server of the MCP project, run by npx')
    .option('-y, --yes', 'ask nothing: take over what is found, else add the example')
    .addHelpText(
      'after',
      `\nWithout flags it asks, where there is a terminal. An existing servers file is never changed.\n\nExamples:\n  ${commandName} init my-router --example\n  ${commandName} init my-router --import ~/.cursor/mcp.json`,
    )
    .action(async (folder: string, options: InitOptions) => {
      serversFileIn(folder)
      for (const line of init(await askedFor(env, folder, options), env)) say(line)
    })
}

const askedFor = async (env: Env, folder: string, options: InitOptions): Promise<Asked> => {
  const { example = false, import: named, yes = false } = options
  if (Array.isArray(named))
    return { folder, example, files: (named as readonly string[]).map(readClientFile) }
  const found = findClientFiles(env, resolve(folder))
  if (named === true || yes)
    return { folder, example: example || (yes && found.length === 0), files: found }
  if (example) return { folder, example, files: [] }
  if (process.stdin.isTTY && process.stdout.isTTY) return ask(folder, found)
  if (found.length === 0) return { folder, example: true, files: [] }
  const lines = found.map((each) => `found ${textOf(each)}`)
  throw new Failure(
    [
      ...lines,
      'nothing was written: --import takes them over, --example adds a server to try things with',
    ].join('\n'),
  )
}

const ask = async (folder: string, found: readonly ClientFile[]): Promise<Asked> => {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  // Without it, a question that nobody answers any more would leave the process with nothing to wait for.
  const left = new AbortController()
  terminal.once('close', () => left.abort())
  try {
    const files: ClientFile[] = []
    for (const each of found)
      if (await isYes(terminal, `Take over ${textOf(each)}?`, true, left.signal)) files.push(each)
    const question =
      'Add the reference server of the MCP project ("everything", run by npx) to try things with?'
    return {
      folder,
      files,
      example: await isYes(terminal, question, files.length === 0, left.signal),
    }
  } catch (error) {
    if (left.signal.aborted || (error instanceof Error && error.name === 'AbortError')) {
      say()
      throw new Failure('not all questions were answered, and nothing was written')
    }
    throw error
  } finally {
    terminal.close()
  }
}

const isYes = async (
  terminal: Interface,
  question: string,
  usual: boolean,
  signal: AbortSignal,
): Promise<boolean> => {
  for (;;) {
    const answer = await terminal.question(`${question} [${usual ? 'Y/n' : 'y/N'}] `, { signal })
    const word = answer.trim().toLowerCase()
    if (word === '') return usual
    if (/^(y|yes|n|no)$/.test(word)) return word.startsWith('y')
  }
}

const textOf = ({ client, path, servers }: ClientFile): string => {
  const names = Object.keys(servers)
  return `${names.length} server${names.length === 1 ? '' : 's'} of ${client} (${names.join(', ')}; ${path})`
}
