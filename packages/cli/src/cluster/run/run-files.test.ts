import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createProgram } from '../../program.js'
import { hasRunDir, makeRunDir, runFiles } from './run-files.js'

const scratch = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'run-files-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

it('makes a run directory and all folders above it', () => {
  const runDir = join(scratch(), 'a', 'b')
  makeRunDir(runFiles(runDir))
  expect(statSync(join(runDir, 'pids')).isDirectory()).toBe(true)
})

it('says in one sentence that the run directory is a file', () => {
  const runDir = join(scratch(), 'file')
  writeFileSync(runDir, '')
  expect(() => makeRunDir(runFiles(runDir))).toThrow(
    `cannot make the run directory ${runDir}: there is a file in its place; set MCP_RUN_DIR to a folder of your own`,
  )
})

it('tells a run directory from none, and from a file', () => {
  const folder = scratch()
  const file = join(folder, 'file')
  writeFileSync(file, '')
  expect(hasRunDir(runFiles(folder))).toBe(true)
  expect(hasRunDir(runFiles(join(folder, 'none')))).toBe(false)
  expect(() => hasRunDir(runFiles(file))).toThrow(
    `cannot use the run directory ${file}: there is a file in its place; set MCP_RUN_DIR to a folder of your own`,
  )
})

it.each([
  ['cluster', 'status'],
  ['cluster', 'logs', '--no-follow'],
  ['sessions', 'list'],
  ['verify'],
])('%s %s says so, too', async (...words) => {
  const file = join(scratch(), 'file')
  writeFileSync(file, '')
  const program = createProgram({ MCP_RUN_DIR: file })
  await expect(program.parseAsync(words, { from: 'user' })).rejects.toThrow(
    `cannot use the run directory ${file}: there is a file in its place; set MCP_RUN_DIR to a folder of your own`,
  )
})

it('says in one sentence that a folder above it is a file', () => {
  const file = join(scratch(), 'file')
  writeFileSync(file, '')
  expect(() => makeRunDir(runFiles(join(file, 'run')))).toThrow(
    `cannot make the run directory ${join(file, 'run')}: there is a file in its place; set MCP_RUN_DIR`,
  )
})

// mkdir of node, asked for all folders at once, never returns there.
it.runIf(process.platform === 'linux')('says so where no folder can be made', () => {
  expect(() => makeRunDir(runFiles('/proc/x/y'))).toThrow(
    /^cannot make the run directory \/proc\/x\/y: E[A-Z]+; set MCP_RUN_DIR to a folder of your own$/,
  )
})
