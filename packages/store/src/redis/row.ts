import type { RedisClient } from './connection/connect.js'
import { isReply } from './connection/unavailable.js'

/** Row is a HASH as it stands in Redis. */
export type Row = Readonly<Record<string, string>>

/** pairsOf is how a Row stands in the arguments of a script. */
export const pairsOf = (row: Row): string[] => Object.entries(row).flat()

/** rowOf reads what HGETALL answers within a script: field, value, field, value … */
export const rowOf = (pairs: readonly string[]): Row => {
  const row: Record<string, string> = {}
  for (let at = 0; at + 1 < pairs.length; at += 2) row[pairs[at] ?? ''] = pairs[at + 1] ?? ''
  return row
}

/** readRow reads a HASH. A key of another type is not ours and counts as absent. */
export const readRow = async (client: RedisClient, key: string): Promise<Row | undefined> => {
  try {
    const row = await client.hgetall(key)
    return Object.keys(row).length > 0 ? row : undefined
  } catch (thrown) {
    if (isReply(thrown, 'WRONGTYPE')) return undefined
    throw thrown
  }
}

/** parsed reads a Row with `read`, which throws at what does not fit; such a Row counts as absent. */
export const parsed = <T>(row: Row | undefined, read: (row: Row) => T): T | undefined => {
  if (!row) return undefined
  try {
    return read(row)
  } catch {
    return undefined
  }
}

/** fitting throws at the undefined by which a parser says no. */
export const fitting = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new Error(`malformed row: ${what}`)
  return value
}

export const textAt = (row: Row, field: string): string => fitting(row[field], field)

export const countAt = (row: Row, field: string): number => {
  const text = textAt(row, field)
  return fitting(/^\d{1,15}$/.test(text) ? Number(text) : undefined, field)
}

/** timeAt reads ISO-8601 to ms since the epoch; timeText writes it. */
export const timeAt = (row: Row, field: string): number => {
  const ms = Date.parse(textAt(row, field))
  return fitting(Number.isNaN(ms) ? undefined : ms, field)
}

export const timeText = (ms: number): string => new Date(ms).toISOString()
