import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { birthOf } from './birth.js'
import { endRecordedChildren, recordChildrenIn } from './records.js'
import { endChild, spawnChild } from './child.js'

const forever = ['-e', "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"]

const openFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'records-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

const stubborn = (): ChildProcess => {
  const child = spawn(process.execPath, forever, { detached: true, stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

const note = (folder: string, pid: number, birth: string | undefined, owner: object): void =>
  writeFileSync(join(folder, String(pid)), JSON.stringify({ birth, owner }))

const gone = { pid: 2 ** 22 + 1, birth: 'long ago' }

it('ends a child whose owner is gone', async () => {
  const [folder, child] = [openFolder(), stubborn()]
  note(folder, child.pid!, birthOf(child.pid!), gone)
  const ended = once(child, 'exit')
  expect(endRecordedChildren(folder)).toEqual([child.pid])
  expect(await ended).toEqual([null, 'SIGKILL'])
  expect(readdirSync(folder)).toEqual([])
})

it('leaves a child whose owner lives, and its record', () => {
  const [folder, child] = [openFolder(), stubborn()]
  const owner = { pid: process.pid, birth: birthOf(process.pid) }
  note(folder, child.pid!, birthOf(child.pid!), owner)
  expect(endRecordedChildren(folder)).toEqual([])
  expect(birthOf(child.pid!)).toBeDefined()
  expect(readdirSync(folder)).toEqual([String(child.pid)])
})

it('leaves a stranger who has the pid of a child, or of its owner', () => {
  const [folder, stranger] = [openFolder(), stubborn()]
  note(folder, stranger.pid!, 'another time', gone)
  expect(endRecordedChildren(folder)).toEqual([])
  expect(birthOf(stranger.pid!)).toBeDefined()
  expect(readdirSync(folder)).toEqual([])
})

it.each(['{', 'null', '{}', '[]'])('takes the record %s for none', (text) => {
  const [folder, stranger] = [openFolder(), stubborn()]
  writeFileSync(join(folder, String(stranger.pid)), text)
  expect(endRecordedChildren(folder)).toEqual([])
  expect(birthOf(stranger.pid!)).toBeDefined()
})

it('needs no folder', () => {
  expect(endRecordedChildren('/nowhere/at/all')).toEqual([])
})

it('records a child for as long as it runs', async () => {
  const folder = join(openFolder(), 'children')
  recordChildrenIn(folder)
  onTestFinished(() => recordChildrenIn(undefined))
  const child = spawnChild(
    { command: process.execPath, args: ['-e', 'process.stdin.resume()'], env: {} } as never,
    { PATH: '/usr/bin' },
  )
  expect(existsSync(join(folder, String(child.pid)))).toBe(true)
  const closed = once(child, 'close')
  await endChild(child)
  await closed
  expect(readdirSync(folder)).toEqual([])
})
