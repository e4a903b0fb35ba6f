import { createRandom, mutated, randomEnvelope } from '@mcp-router/testkit/random'
import { expect, it } from 'vitest'
import { MalformedMessage } from './malformed.js'
import { scanEnvelope, textOf } from './scan.js'
import type { EnvelopeScan } from './scan.js'

const members = ['jsonrpc', 'id', 'method', 'params', 'result', 'error'] as const
const runs = 1_000

const parsed = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

/** A changed byte may make two members of one name, which are refused. */
const scanned = (bytes: Buffer): EnvelopeScan | 'refused' | undefined => {
  try {
    return scanEnvelope(bytes)
  } catch (error) {
    if (error instanceof MalformedMessage) return 'refused'
    throw error
  }
}

/** What JSON.parse reads, the scan must have found: the same members, the same values, nothing around them. */
const agrees = (bytes: Buffer, seed: number): void => {
  const value = parsed(bytes)
  const scan = scanned(bytes)
  if (scan === 'refused') return
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    for (const span of Object.values(scan ?? {})) {
      expect(span.start, `seed ${seed}`).toBeLessThan(span.end)
      expect(span.end, `seed ${seed}`).toBeLessThanOrEqual(bytes.length)
    }
    return
  }
  expect(scan, `seed ${seed}: ${bytes.toString()}`).toBeDefined()
  const found = members.filter((key) => scan?.[key])
  expect(found, `seed ${seed}`).toEqual(members.filter((key) => Object.hasOwn(value, key)))
  for (const key of found) {
    const text = textOf(bytes, scan![key]!)
    expect(text, `seed ${seed}`).toBe(text.trim())
    expect(JSON.parse(text), `seed ${seed}`).toEqual((value as Record<string, unknown>)[key])
  }
}

it('finds in any envelope what JSON.parse finds', () => {
  for (let seed = 1; seed <= runs; seed++) {
    const bytes = Buffer.from(randomEnvelope(createRandom(seed)))
    expect(parsed(bytes), `seed ${seed}`).toBeTypeOf('object')
    expect(scanned(bytes), `seed ${seed}`).toBeTypeOf('object')
    agrees(bytes, seed)
  }
})

it('finds nothing in an envelope that is cut off, wherever', () => {
  for (let seed = 1; seed <= runs / 10; seed++) {
    const bytes = Buffer.from(randomEnvelope(createRandom(seed)).trimEnd())
    for (let length = 0; length < bytes.length; length++) {
      expect(scanEnvelope(bytes.subarray(0, length)), `seed ${seed}, ${length}`).toBeUndefined()
    }
  }
})

it('mis-locates nothing when bytes are changed', () => {
  let stillJson = 0
  for (let seed = 1; seed <= runs * 4; seed++) {
    const random = createRandom(seed)
    const bytes = mutated(random, Buffer.from(randomEnvelope(random)))
    agrees(bytes, seed)
    if (parsed(bytes) !== undefined) stillJson++
  }
  // Both sides of the test were reached.
  expect(stillJson).toBeGreaterThan(runs / 5)
})
