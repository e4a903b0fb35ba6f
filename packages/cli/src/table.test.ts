import { describe, expect, it } from 'vitest'
import { table } from './table.js'

describe('table', () => {
  it('makes every column as wide as its widest cell, and leaves no spaces at the end', () => {
    const rows = [
      ['redis', '7', 'ok'],
      ['router-8051', '12345', ''],
    ]
    expect(table(['process', 'pid', 'health'], rows)).toEqual([
      'process      pid    health',
      'redis        7      ok',
      'router-8051  12345',
    ])
  })
})
