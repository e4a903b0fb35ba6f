import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '@mcp-router/testkit/process'
import type { Child, Children } from './children.js'

/** BenchInstance is a running router process. */
export interface BenchInstance {
  readonly child: Child
  readonly port: number
  readonly base: string
  readonly logFile: string
}

/** InstanceSpec is what sets one instance apart from another. */
export interface InstanceSpec {
  readonly name: string
  readonly cli: string
  readonly redisUrl: string
  readonly serversFile: string
  readonly runDir: string
  readonly nodeArgs?: readonly string[]
}

/** What the Nginx of the benchmark shows, as the one of a cluster does. */
export const proxySecret = 'what-the-nginx-of-the-bench-shows'

/** startInstance starts the build as an operator does, logging on, and waits until it is ready. */
export const startInstance = async (
  children: Children,
  spec: InstanceSpec,
): Promise<BenchInstance> => {
  await access(spec.cli).catch((cause: unknown) => {
    throw new Error(`${spec.cli} is missing: build first (npm run build)`, { cause })
  })
  const port = await freePorts(1)
  const base = `http://127.0.0.1:${port}`
  const logFile = join(spec.runDir, 'logs', `${spec.name}.log`)
  const child = children.start({
    name: spec.name,
    command: process.execPath,
    args: [...(spec.nodeArgs ?? []), spec.cli, 'serve'],
    env: {
      PORT: String(port),
      INSTANCE_ID: `bench-${spec.name}`,
      REDIS_URL: spec.redisUrl,
      MCP_SERVERS_FILE: spec.serversFile,
      MCP_RUN_DIR: spec.runDir,
      PROXY_SECRET: proxySecret,
      LOG_FILE: logFile,
      LOG_LEVEL: 'info',
    },
  })
  await child.ready(async () => (await fetch(`${base}/ready`)).ok)
  return { child, port, base, logFile }
}
