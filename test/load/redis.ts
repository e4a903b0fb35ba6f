import { mkdir } from 'node:fs/promises'
import { freePorts, isListening } from '@mcp-router/testkit/process'
import { findBinary } from './binary.js'
import type { Children } from './children.js'

/** startRedis starts a redis-server of this run's own, with an append-only file as in production; it returns its port. */
export const startRedis = async (children: Children, dir: string): Promise<number> => {
  await mkdir(dir, { recursive: true })
  const port = await freePorts(1)
  const settings = {
    port,
    bind: '127.0.0.1',
    dir,
    save: '',
    appendonly: 'yes',
    loglevel: 'warning',
  }
  const child = children.start({
    name: 'redis',
    command: await findBinary('redis-server'),
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
  })
  await child.ready(() => isListening(port))
  return port
}
