import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { restartCommand } from './restart-command.js'

it('says where the servers file is broken that nothing was changed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'restart-command-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'servers.yaml')
  writeFileSync(file, 'servers: [')
  const env = { MCP_RUN_DIR: folder, MCP_SERVERS_FILE: file }
  const meant = { removeToken: false, otherRedis: false, leaveOut: false }
  await expect(restartCommand(env, undefined, meant)).rejects.toThrow(
    /servers\.yaml:1:\d+: not valid YAML or JSON: .*\nnothing was changed$/s,
  )
})
