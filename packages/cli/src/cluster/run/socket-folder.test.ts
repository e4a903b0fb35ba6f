import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { makeSocketFolder, socketFolderProblem } from './socket-folder.js'

let parent: string
let folder: string

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'socket-'))
  folder = join(parent, 'mcp-router')
})
afterEach(() => rmSync(parent, { recursive: true }))

it('makes the folder for its owner alone, and takes it the next time', () => {
  makeSocketFolder(folder)
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  makeSocketFolder(folder)
})

it('refuses a link, wherever it leads', () => {
  const other = join(parent, 'other')
  mkdirSync(other, { mode: 0o700 })
  symlinkSync(other, folder)
  expect(() => makeSocketFolder(folder)).toThrow('is not a directory; remove it')
})

it('refuses a file', () => {
  writeFileSync(folder, '')
  expect(() => makeSocketFolder(folder)).toThrow('is not a directory')
})

it.each([0o777, 0o710, 0o701])('refuses the mode %o', (mode) => {
  mkdirSync(folder)
  chmodSync(folder, mode)
  expect(() => makeSocketFolder(folder)).toThrow(`(mode ${mode.toString(8)})`)
})

it.runIf(process.getuid?.() === 0)('refuses the folder of another user', () => {
  mkdirSync(folder, { mode: 0o700 })
  chownSync(folder, 65_534, 65_534)
  expect(() => makeSocketFolder(folder)).toThrow('belongs to another user (uid 65534)')
})

it('refuses a folder that was removed', () => {
  expect(socketFolderProblem(folder)).toContain('is not there; start the cluster')
})
