import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { recordSettings } from './restart/settings.js'
import { record } from './run/pid-file.js'
import { makeRunDir, runFiles, type RunFiles } from './run/run-files.js'
import { stopCommand } from './stop-command.js'

let files: RunFiles
let said: string
beforeEach(() => {
  files = runFiles(mkdtempSync(join(tmpdir(), 'stop-command-')))
  makeRunDir(files)
  said = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said += String(text)
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(files.runDir, { recursive: true })
})

const stopAt = (port: number): Promise<void> => stopCommand({ MCP_RUN_DIR: files.runDir }, port)

it('refuses a port that nothing has, and names those that there are', async () => {
  await expect(stopAt(9999)).rejects.toThrow(
    `nothing of the cluster in ${files.runDir} has port 9999; nothing is running there`,
  )
  for (const name of ['redis', 'router-21051', 'nginx']) record(files, name, process.pid)
  recordSettings(files, 'nginx', { settings: { GATEWAY_PORT: 21_080 } })
  await expect(stopAt(9999)).rejects.toThrow(
    `nothing of the cluster in ${files.runDir} has port 9999; it has 21080 (nginx), 21051 (router-21051)`,
  )
})

it('is content with a port whose process was stopped before', async () => {
  writeFileSync(files.log('router-21051'), '')
  await stopAt(21_051)
  expect(said).toBe(`nothing was running in ${files.runDir} (MCP_RUN_DIR) at port 21051\n`)
})
