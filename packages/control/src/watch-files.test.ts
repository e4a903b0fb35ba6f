import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { watchFiles } from './watch-files.js'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
afterEach(() => vi.useRealTimers())

const open = () => {
  const folder = mkdtempSync(join(tmpdir(), 'watch-files-'))
  const onChange = vi.fn()
  const watched = watchFiles(onChange)
  onTestFinished(() => {
    watched.close()
    rmSync(folder, { recursive: true })
  })
  return {
    onChange,
    watched,
    paths: Array.from({ length: 101 }, (_, n) => join(folder, String(n))),
  }
}

it('follows a hundred files at most', () => {
  const { onChange, watched, paths } = open()
  watched.follow(paths)
  writeFileSync(paths[100] ?? '', 'x')
  vi.advanceTimersByTime(1_000)
  expect(onChange).not.toHaveBeenCalled()
  writeFileSync(paths[99] ?? '', 'x')
  vi.advanceTimersByTime(2_000)
  expect(onChange).toHaveBeenCalledTimes(1)
})

it('does not poll while there is nothing to follow', () => {
  const { watched, paths } = open()
  watched.follow([])
  expect(vi.getTimerCount()).toBe(0)
  watched.follow(paths)
  watched.follow([])
  expect(vi.getTimerCount()).toBe(0)
})
