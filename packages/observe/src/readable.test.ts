import { expect, it } from 'vitest'
import { readable } from './readable.js'

const text = (info: Record<string, unknown>): string => {
  const line = readable.transform({ level: 'info', message: 'ready', ...info })
  return typeof line === 'object' ? String(line[Symbol.for('message')]) : ''
}

it('is one line: time, level, text, and what else is known', () => {
  const line = text({ instance: 'i', backends: 3, address: 'http://a', empty: '', list: [1] })
  expect(line).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} {2}info {3}ready {2}backends=3 {2}address=http:\/\/a {2}list=\[1\]$/,
  )
})
