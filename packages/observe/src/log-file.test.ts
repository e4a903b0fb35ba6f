import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openLogFile } from './log-file.js'
import { createObserver } from './observer.js'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'log-file-'))))
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

const observe = (file: string) =>
  createObserver({ instance: 'i', level: 'info', file, nameSession: (id) => id })

const rotation = { maxBytes: 1_000_000, maxFiles: 3, maxWaiting: 1_000_000 }

const end = (stream: ReturnType<typeof openLogFile>): Promise<void> =>
  new Promise((resolve) => void stream.end(resolve))

describe('a log file', () => {
  it('that cannot be written is an error at the start that says what to do', () => {
    expect(() => observe(folder)).toThrow(
      `LOG_FILE: ${folder} cannot be written (EISDIR: illegal operation on a directory); name a file`,
    )
    expect(() => observe('/proc/x')).toThrow('LOG_FILE: /proc/x cannot be written (ENOENT')
    expect(() => observe('/proc/1/x/y')).toThrow('LOG_FILE: /proc/1/x/y cannot be written (ENOENT')
    writeFileSync(join(folder, 'a'), '')
    expect(() => observe(join(folder, 'a', 'b.log'))).toThrow('b.log cannot be written (')
  })

  it('that is a pipe which nobody reads is one, too', () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    expect(() => observe(pipe)).toThrow('pipe cannot be written (ENXIO')
  })

  it('has its folder made', async () => {
    const file = join(folder, 'a', 'b', 'c.log')
    const observer = observe(file)
    observer.log.info('here')
    await observer.close()
    expect(readFileSync(file, 'utf8')).toContain('"here"')
  })

  it('on a full disk is said once, and holds no end', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const observer = observe('/dev/full')
    for (let n = 0; n < 100; n++) {
      observer.log.info('x'.repeat(1_000))
      await new Promise(setImmediate)
    }
    await observer.close()
    expect(said.mock.calls.map(([text]) => text)).toEqual([
      expect.stringContaining('mcp-router: logging: ENOSPC'),
    ])
  })

  it('is moved on when it is full, and so many are kept', async () => {
    const file = join(folder, 'r.log')
    writeFileSync(file, 'old\n')
    const onLost = vi.fn()
    const stream = openLogFile(file, { ...rotation, maxBytes: 4, onLost })
    for (const line of ['one\n', 'two\n', 'three\n']) {
      stream.write(line)
      await expect.poll(() => readFileSync(file, 'utf8')).toBe(line)
    }
    await end(stream)
    expect(readdirSync(folder).sort()).toEqual(['r.log', 'r1.log', 'r2.log'])
    expect(readFileSync(join(folder, 'r1.log'), 'utf8')).toBe('two\n')
    expect(readFileSync(join(folder, 'r2.log'), 'utf8')).toBe('one\n')
    expect(onLost).not.toHaveBeenCalled()
  })

  it('that cannot be moved on grows', async () => {
    const file = join(folder, 'r.log')
    for (const name of ['r1.log', 'r2.log'])
      mkdirSync(join(folder, name, 'in the way'), { recursive: true })
    const onLost = vi.fn()
    const stream = openLogFile(file, { ...rotation, maxBytes: 4, onLost })
    for (const line of ['one\n', 'two\n']) {
      stream.write(line)
      await expect.poll(() => readFileSync(file, 'utf8')).toContain(line)
    }
    await end(stream)
    expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n')
    expect(onLost).toHaveBeenCalledWith(expect.stringContaining('rotating: '))
  })

  it('loses what waits for the disk beyond its limit', async () => {
    const file = join(folder, 'r.log')
    const onLost = vi.fn()
    const stream = openLogFile(file, { ...rotation, maxWaiting: 8, onLost })
    // The first is under way at once, and two more may wait.
    for (const line of ['one\n', 'two\n', 'six\n', 'ten\n', 'end\n']) stream.write(line)
    await end(stream)
    expect(readFileSync(file, 'utf8').split('\n').filter(Boolean)).toEqual(['one', 'two', 'six'])
    expect(onLost).toHaveBeenCalledOnce()
  })
})
