import { readFileSync } from 'node:fs'
import type { Result } from 'ioredis'
import type { TouchOutcome } from '../session-store.js'
import type { RedisClient } from './connect.js'
import { pairsOf, rowOf, type Row } from './row.js'

type Code = number
type Pairs = string[]

declare module 'ioredis' {
  // The methods that defineCommand adds; ioredis asks to declare them so.
  interface RedisCommander<Context> {
    createSession(key: string, ...args: (string | number)[]): Result<Code, Context>
    updateSession(key: string, ...args: (string | number)[]): Result<Code, Context>
    touchSession(key: string, ...args: (string | number)[]): Result<Code, Context>
    claimSession(key: string, ...args: (string | number)[]): Result<Code | Pairs, Context>
    joinInstance(key: string, ...args: (string | number)[]): Result<Code | Pairs, Context>
  }
}

// The folder is at the same depth from src/redis and from dist/redis.
const folder = new URL('../../lua/', import.meta.url)

const files = [
  'createSession-1',
  'updateSession-1',
  'touchSession-1',
  'claimSession-1',
  'joinInstance-1',
] as const

const touchOutcome = (code: Code): TouchOutcome => {
  switch (code) {
    case 1:
      return 'kept'
    case -1:
      return 'gone'
    case -2:
      return 'superseded'
    default:
      throw new Error(`a script answered ${code}, which is in no header`)
  }
}

/** Scripts are the operations that Redis runs as one, each in one slot, with their codes read. */
export interface Scripts {
  createSession(key: string, row: Row, ttlMs: number): Promise<void>
  updateSession(key: string, epoch: number, change: Row): Promise<boolean>
  touchSession(key: string, epoch: number, lastActive: string, ttlMs: number): Promise<TouchOutcome>
  /** Resolves with the new record, or undefined when it was gone or superseded. */
  claimSession(key: string, epoch: number, instance: string): Promise<Row | undefined>
  /** Resolves with the lease of the holder who was in the way, or undefined when the lease is taken. */
  joinInstance(
    key: string,
    address: string,
    rest: Row,
    leaseMs: number,
    evict: boolean,
  ): Promise<Row | undefined>
}

export const loadScripts = (client: RedisClient): Scripts => {
  for (const file of files) {
    const [name = file, numberOfKeys] = file.split('-')
    const lua = readFileSync(new URL(`${file}.lua`, folder), 'utf8')
    client.defineCommand(name, { lua, numberOfKeys: Number(numberOfKeys) })
  }
  return {
    async createSession(key, row, ttlMs) {
      await client.createSession(key, ttlMs, ...pairsOf(row))
    },
    async updateSession(key, epoch, change) {
      const code = await client.updateSession(key, epoch, ...pairsOf(change))
      return touchOutcome(code) === 'kept'
    },
    async touchSession(key, epoch, lastActive, ttlMs) {
      return touchOutcome(await client.touchSession(key, epoch, lastActive, ttlMs))
    },
    async claimSession(key, epoch, instance) {
      const answer = await client.claimSession(key, epoch, instance)
      return typeof answer === 'number' ? undefined : rowOf(answer)
    },
    async joinInstance(key, address, rest, leaseMs, evict) {
      const force = evict ? 'evict' : ''
      const answer = await client.joinInstance(key, leaseMs, force, address, ...pairsOf(rest))
      return typeof answer === 'number' ? undefined : rowOf(answer)
    },
  }
}
