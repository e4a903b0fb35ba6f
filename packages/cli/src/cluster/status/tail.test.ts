import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readFrom, sizeOf, tail } from './tail.js'

let folder: string
let log: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tail-'))
  log = join(folder, 'a.log')
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('the end of a log', () => {
  it('is its last lines', () => {
    writeFileSync(log, 'a\nb\nc\n')
    expect(tail(log, 2)).toEqual(['b', 'c'])
  })

  it('leaves out what was there before', () => {
    writeFileSync(log, 'old\n')
    const from = sizeOf(log)
    appendFileSync(log, 'new\n')
    expect(tail(log, 15, from)).toEqual(['new'])
  })

  it('is empty where there is no log', () => {
    expect(tail(join(folder, 'none.log'), 5)).toEqual([])
  })

  it('is read on from where it was left, and from the start of a log that was begun anew', () => {
    writeFileSync(log, 'one\n')
    const { end } = readFrom(log, 0)
    appendFileSync(log, 'two\n')
    expect(readFrom(log, end)).toEqual({ text: 'two\n', end: 8 })
    writeFileSync(log, 'x\n')
    expect(readFrom(log, 8)).toEqual({ text: 'x\n', end: 2 })
  })
})
