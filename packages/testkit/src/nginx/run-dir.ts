import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** openRunDir makes a run directory for the test, with a name that must be quoted and escaped. */
export const openRunDir = async (): Promise<string> => {
  const runDir = await mkdtemp(join(tmpdir(), `mcp router's [nginx] `))
  onTestFinished(() => rm(runDir, { recursive: true, force: true }))
  for (const folder of ['pids', 'logs', 'nginx']) await mkdir(join(runDir, folder))
  return runDir
}
