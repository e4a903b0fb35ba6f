import type { Redis } from 'ioredis'

/** RedisMonitor hears every command that clients send to Redis. */
export interface RedisMonitor extends AsyncDisposable {
  /** Those so far that name the key. */
  commands(): readonly (readonly string[])[]
}

/** monitorRedis listens (MONITOR) for commands that name a key; what Lua scripts do inside Redis is not counted. */
export const monitorRedis = async (redis: Redis, key: string): Promise<RedisMonitor> => {
  const monitor = await redis.monitor()
  const heard: string[][] = []
  monitor.on('monitor', (_time: string, args: string[], source: string) => {
    if (source !== 'lua' && args.includes(key)) heard.push(args)
  })
  return {
    commands: () => heard,
    [Symbol.asyncDispose]() {
      monitor.disconnect()
      return Promise.resolve()
    },
  }
}
