import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { withLock } from './lock.js'
import { makeRunDir, runFiles, type RunFiles } from './run-files.js'

let files: RunFiles

beforeEach(() => {
  files = runFiles(mkdtempSync(join(tmpdir(), 'lock-')))
  makeRunDir(files)
})
afterEach(() => rmSync(files.runDir, { recursive: true }))

const leftBehind = (): readonly string[] =>
  readdirSync(files.runDir).filter((name) => name.startsWith('lock'))

describe('the lock of a run directory', () => {
  it('lets one work at a time', async () => {
    const steps: string[] = []
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const first = withLock(files, async () => {
      steps.push('first begins')
      await held
      steps.push('first ends')
    })
    const second = withLock(files, async () => {
      steps.push('second begins')
    })
    await expect.poll(() => steps).toEqual(['first begins'])
    release()
    await Promise.all([first, second])
    expect(steps).toEqual(['first begins', 'first ends', 'second begins'])
  })

  it('is let go when the work fails', async () => {
    const failing = withLock(files, () => Promise.reject(new Error('broken')))
    await expect(failing).rejects.toThrow('broken')
    expect(existsSync(files.lock)).toBe(false)
  })

  it.each([
    ['a process that is gone', '999999999 1\n'],
    ['a process with the number of another', `${process.pid} another-time\n`],
    ['nobody', ''],
  ])('is taken from %s', async (_whom, text) => {
    writeFileSync(files.lock, text)
    await expect(withLock(files, async () => 'done')).resolves.toBe('done')
    expect(leftBehind()).toEqual([])
  })

  it('is taken from a pipe, which names nobody', async () => {
    execFileSync('mkfifo', [files.lock])
    // Lets a reader go, also one that has moved it.
    const script = 'sleep 2; echo x > "$0"; sleep 0.2; for f in "$0".*; do echo x > "$f"; done'
    const writer = spawn('sh', ['-c', script, files.lock], { stdio: 'ignore' })
    onTestFinished(() => void writer.kill('SIGKILL'))
    const asked = performance.now()
    await expect(withLock(files, async () => 'done')).resolves.toBe('done')
    expect(performance.now() - asked).toBeLessThan(1_500)
    expect(leftBehind()).toEqual([])
  })
})
