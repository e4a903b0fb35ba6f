import { readFileSync } from 'node:fs'
import type { Result } from 'ioredis'
import type { RestoreOutcome, TouchOutcome } from '../session-store.js'
import type { RedisClient } from './connection/connect.js'
import { onOwnKeys } from './connection/own-key.js'
import { pairsOf, rowOf, type Row } from './row.js'

type Code = number
type Pairs = string[]

declare module 'ioredis' {
  // The methods that defineCommand adds; ioredis asks to declare them so.
  interface RedisCommander<Context> {
    createSession(key: string, ended: string, ...args: (string | number)[]): Result<Code, Context>
    restoreSession(key: string, ended: string, ...args: (string | number)[]): Result<Code, Context>
    endSession(key: string, ended: string, keptMs: number): Result<Code, Context>
    updateSession(key: string, ...args: (string | number)[]): Result<Code, Context>
    touchSession(key: string, ...args: (string | number)[]): Result<Code, Context>
    claimSession(key: string, ...args: (string | number)[]): Result<Code | Pairs, Context>
    joinInstance(key: string, ...args: (string | number)[]): Result<Code | Pairs, Context>
    keepCall(session: string, calls: string, ...args: (string | number)[]): Result<Code, Context>
    dropCalls(session: string, calls: string, ...args: (string | number)[]): Result<Code, Context>
    dropForeign(key: string, type: string): Result<Code, Context>
  }
}

// The folder is at the same depth from src/redis and from dist/redis.
const folder = new URL('../../lua/', import.meta.url)

const files = [
  'createSession-2',
  'restoreSession-2',
  'endSession-2',
  'updateSession-1',
  'touchSession-1',
  'claimSession-1',
  'joinInstance-1',
  'keepCall-2',
  'dropCalls-2',
  'dropForeign-1',
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

const restoreOutcome = (code: Code): RestoreOutcome => {
  switch (code) {
    case 1:
      return 'restored'
    case 0:
      return 'there'
    case -1:
      return 'ended'
    default:
      throw new Error(`a script answered ${code}, which is in no header`)
  }
}

/** Scripts are the operations that Redis runs as one, each in one slot, with their codes read. */
export interface Scripts {
  createSession(key: string, ended: string, row: Row, ttlMs: number): Promise<void>
  restoreSession(key: string, ended: string, row: Row, ttlMs: number): Promise<RestoreOutcome>
  /** Resolves true when there was a record. */
  endSession(key: string, ended: string, keptMs: number): Promise<boolean>
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
  /** False, and nothing is written, where the session has been claimed since. */
  keepCall(
    keys: CallsKeys,
    epoch: number,
    ttlMs: number,
    entry: string,
    value: string,
  ): Promise<boolean>
  /** Does nothing where the session has been claimed since. */
  dropCalls(keys: CallsKeys, epoch: number, entries: readonly string[]): Promise<void>
}

/** CallsKeys are the record of a Session and its calls, in one slot. */
export type CallsKeys = readonly [session: string, calls: string]

export const loadScripts = (client: RedisClient): Scripts => {
  for (const file of files) {
    const [name = file, numberOfKeys] = file.split('-')
    const lua = readFileSync(new URL(`${file}.lua`, folder), 'utf8')
    client.defineCommand(name, { lua, numberOfKeys: Number(numberOfKeys) })
  }
  return {
    async createSession(key, ended, row, ttlMs) {
      await client.createSession(key, ended, ttlMs, ...pairsOf(row))
    },
    async restoreSession(key, ended, row, ttlMs) {
      return restoreOutcome(await client.restoreSession(key, ended, ttlMs, ...pairsOf(row)))
    },
    async endSession(key, ended, keptMs) {
      return (await client.endSession(key, ended, keptMs)) === 1
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
    async keepCall([session, calls], epoch, ttlMs, entry, value) {
      const code = await onOwnKeys(client, 'hash', [calls], () =>
        client.keepCall(session, calls, epoch, ttlMs, entry, value),
      )
      return code === 1
    },
    async dropCalls([session, calls], epoch, entries) {
      await onOwnKeys(client, 'hash', [calls], () =>
        client.dropCalls(session, calls, epoch, ...entries),
      )
    },
  }
}
