import { freePorts } from '@mcp-router/testkit/process'
import { vi } from 'vitest'
import { startRedis, type RedisProcess } from './redis-process.contract.js'

/** Deployment is one or several Redis processes that a single URL reaches. */
export interface Deployment {
  readonly url: string
  /** Those that hold keys. */
  readonly masters: readonly RedisProcess[]
  close(): Promise<void>
}

/** startSentinel runs a Sentinel that watches one master, with a replica to put in its place or without. */
export const startSentinel = async (replicas: 0 | 1 = 0): Promise<Deployment> => {
  const master = await startRedis()
  const followers = await Promise.all(
    Array.from({ length: replicas }, () => startRedis([`replicaof 127.0.0.1 ${master.port}`])),
  )
  const sentinel = await startRedis(
    [
      `sentinel monitor mymaster 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds mymaster 500',
    ],
    'sentinel',
  )
  const knowsAll = async () => {
    const known = (await sentinel.raw.call('SENTINEL', 'REPLICAS', 'mymaster')) as unknown[]
    return known.length === replicas
  }
  await vi.waitUntil(knowsAll, { timeout: 20_000, interval: 50 })
  return {
    url: `redis+sentinel://127.0.0.1:${sentinel.port}/mymaster`,
    masters: [master],
    async close() {
      await Promise.all([sentinel, ...followers, master].map((redis) => redis.close()))
    },
  }
}

const startMember = async () =>
  startRedis([
    'cluster-enabled yes',
    `cluster-port ${await freePorts(1)}`,
    'cluster-announce-ip 127.0.0.1',
  ])

/** startCluster runs a Redis Cluster of two masters, half of the slots each. */
export const startCluster = async (): Promise<Deployment> => {
  const [low, high] = await Promise.all([startMember(), startMember()])
  await low.raw.cluster('ADDSLOTSRANGE', 0, 8191)
  await high.raw.cluster('ADDSLOTSRANGE', 8192, 16383)
  // Equal epochs of two masters are a collision, which holds up their meeting.
  await high.raw.call('CLUSTER', 'SET-CONFIG-EPOCH', '2')
  const [, busPort] = (await high.raw.config('GET', 'cluster-port')) as string[]
  await low.raw.call('CLUSTER', 'MEET', '127.0.0.1', String(high.port), String(busPort))
  const masters = [low, high]
  const isWhole = async () => {
    const infos = await Promise.all(masters.map(({ raw }) => raw.cluster('INFO')))
    return infos.every((info) => info.includes('cluster_state:ok'))
  }
  await vi.waitUntil(isWhole, { timeout: 20_000, interval: 50 })
  return {
    url: `redis+cluster://127.0.0.1:${low.port},127.0.0.1:${high.port}`,
    masters,
    async close() {
      await Promise.all(masters.map((master) => master.close()))
    },
  }
}

/** startSingle runs one server, reached by TCP or by its socket. */
export const startSingle = async (by: 'tcp' | 'socket'): Promise<Deployment> => {
  const server = await startRedis()
  return {
    url: by === 'tcp' ? server.url : `unix://${server.socket}`,
    masters: [server],
    close: () => server.close(),
  }
}
