/** ExpiringMap forgets an entry `ttlMs` after it was last put. What has expired is never seen, swept or not. */
export interface ExpiringMap<K, V> {
  get(key: K): V | undefined
  /** Sets a value and starts its life anew; `ms`: another life than usual. */
  put(key: K, value: V, ms?: number): void
  /** Sets the value of a living entry, which keeps the rest of its life. */
  amend(key: K, value: V): void
  /** Tells whether there was a living entry. */
  delete(key: K): boolean
  values(): readonly V[]
  /** Frees the memory of what has expired. */
  sweep(): void
  /** Entries that take memory, expired ones included. */
  size(): number
}

interface Entry<V> {
  readonly value: V
  /** ms since the epoch */
  readonly expiresAt: number
}

export const createExpiringMap = <K, V>(ttlMs: number): ExpiringMap<K, V> => {
  const entries = new Map<K, Entry<V>>()
  const isLiving = (entry: Entry<V>) => entry.expiresAt > Date.now()
  const living = (key: K) => {
    const entry = entries.get(key)
    return entry && isLiving(entry) ? entry : undefined
  }
  return {
    get: (key) => living(key)?.value,
    put(key, value, ms = ttlMs) {
      entries.set(key, { value, expiresAt: Date.now() + ms })
    },
    amend(key, value) {
      const entry = living(key)
      if (entry) entries.set(key, { ...entry, value })
    },
    delete(key) {
      const wasLiving = living(key) !== undefined
      entries.delete(key)
      return wasLiving
    },
    values: () => [...entries.values()].filter(isLiving).map((entry) => entry.value),
    sweep() {
      for (const [key, entry] of entries) if (!isLiving(entry)) entries.delete(key)
    },
    size: () => entries.size,
  }
}
