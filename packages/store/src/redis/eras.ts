import type { Era } from '@mcp-router/core'
import type { EraStore } from '../era-store.js'
import type { Connection } from './connection/connection.js'
import { eraKey } from './keys.js'
import { onOwnKeys } from './connection/own-key.js'

export const redisEras = ({ client, attempt }: Connection): EraStore => ({
  async find(name) {
    const key = eraKey(name)
    const [era, leftMs] = await attempt(() =>
      onOwnKeys(client, 'string', [key], () => Promise.all([client.get(key), client.pttl(key)])),
    )
    // Between the two it may have expired.
    return isEra(era) && leftMs > 0 ? { era, leftMs } : undefined
  },
  async keep(name, era, ttlMs) {
    await attempt(() => client.set(eraKey(name), era, 'PX', ttlMs))
  },
  async forget(name) {
    await attempt(() => client.del(eraKey(name)))
  },
})

const isEra = (text: string | null): text is Era => text === 'legacy' || text === 'modern'
