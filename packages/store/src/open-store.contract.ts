import type { Store, StoreOptions } from './store.js'

/** OpenStore opens an empty Store with these options. */
export type OpenStore = (options: StoreOptions) => Promise<Store>

/** Lives long enough that nothing expires within a test. */
export const lasting: StoreOptions = { sessionTtlMs: 60_000, leaseMs: 60_000 }
