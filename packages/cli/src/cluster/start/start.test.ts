import { loadClusterConfig } from '@mcp-router/config'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { clusterOf } from '../cluster.js'
import { startMissing } from './start.js'

it('says of a command that is not installed what its server needs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'start-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'servers.yaml')
  writeFileSync(file, 'servers: { a: { url: "http://127.0.0.1:1/mcp", start: nodde x.js } }')
  const env = { MCP_RUN_DIR: join(folder, 'run'), MCP_SERVERS_FILE: file }
  const cluster = clusterOf(loadClusterConfig(env), env)
  const servers = cluster.processes.filter(({ stage }) => stage === 'backend')
  await expect(startMissing(cluster, servers, new AbortController().signal)).rejects.toThrow(
    /^not installed: nodde \(for server a\); correct "start" of server a in the servers file, or install it$/,
  )
})
