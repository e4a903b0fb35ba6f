import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { birthOf } from '@mcp-router/upstream'
import { find, forget, record, recorded } from './pid-file.js'
import { makeRunDir, runFiles, type RunFiles } from './run-files.js'

let files: RunFiles
const children: ChildProcess[] = []

const sleeper = (): number => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  children.push(child)
  return child.pid!
}

const end = async (): Promise<void> => {
  const child = children.pop()!
  child.kill('SIGKILL')
  await once(child, 'exit')
}

beforeEach(() => {
  files = runFiles(mkdtempSync(join(tmpdir(), 'pid-file-')))
  makeRunDir(files)
})
afterEach(async () => {
  while (children.length > 0) await end()
  rmSync(files.runDir, { recursive: true })
})

describe('a pid file', () => {
  it('leads to the process that it was written for', () => {
    const pid = sleeper()
    record(files, 'router-8051', pid)
    expect(find(files, 'router-8051')).toMatchObject({ kind: 'running', pid })
    expect(recorded(files)).toEqual(['router-8051'])
  })

  it('is stale once the process is gone', async () => {
    const pid = sleeper()
    record(files, 'redis', pid)
    await end()
    expect(find(files, 'redis')).toEqual({ kind: 'stale', pid })
  })

  it('is stale when a stranger has the number now', () => {
    const pid = sleeper()
    record(files, 'redis', pid)
    writeFileSync(files.birth('redis'), 'another time')
    expect(find(files, 'redis')).toEqual({ kind: 'stale', pid })
  })

  it('is stale without a word on when the process began', () => {
    writeFileSync(files.pid('nginx'), `${process.pid}\n`)
    expect(find(files, 'nginx')).toMatchObject({ kind: 'stale' })
  })

  it.each(['', 'x', '0', '-1', '1.5'])('is none when it holds "%s"', (text) => {
    writeFileSync(files.pid('redis'), text)
    expect(find(files, 'redis')).toEqual({ kind: 'none' })
  })

  it('is gone with what belongs to it when it is forgotten', () => {
    record(files, 'redis', sleeper())
    forget(files, 'redis')
    expect([existsSync(files.pid('redis')), existsSync(files.birth('redis'))]).toEqual([
      false,
      false,
    ])
    expect(find(files, 'redis')).toEqual({ kind: 'none' })
  })

  it('is not written for a process that has ended already', async () => {
    const pid = sleeper()
    await end()
    record(files, 'redis', pid)
    expect(recorded(files)).toEqual([])
  })
})

describe('the birth of a process', () => {
  it('stays the same while it lives, and differs from that of others', async () => {
    const [one, other] = [sleeper(), sleeper()]
    expect(birthOf(one)).toBe(birthOf(one))
    expect(birthOf(one)).not.toBe(birthOf(process.pid))
    expect(other).not.toBe(one)
    expect(birthOf(2 ** 30)).toBeUndefined()
  })
})
