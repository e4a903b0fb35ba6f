import { birthOf } from '@mcp-router/upstream'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Cluster } from '../cluster.js'
import { record } from '../run/pid-file.js'
import { makeRunDir, runFiles, type RunFiles } from '../run/run-files.js'
import { readState } from './state.js'
import { supervise } from './supervise.js'

const name = 'router-8051'

let folder: string
let files: RunFiles
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'supervise-'))
  files = runFiles(folder)
  makeRunDir(files)
  record(files, 'supervisor', process.pid)
  // Of a process that is gone.
  writeFileSync(files.pid(name), '999999999')
  writeFileSync(files.birth(name), 'before')
})
afterEach(() => rmSync(folder, { recursive: true }))

const clusterOf = (): Cluster =>
  ({
    files,
    processes: [
      {
        name,
        stage: 'instance',
        command: process.execPath,
        args: ['-e', ''],
        cwd: folder,
        env: {},
        prepare: () => undefined,
      },
    ],
    // The rest of a cluster is not looked at.
  }) as unknown as Cluster

it('counts no exit while a command works, which may have ended the process itself', async () => {
  writeFileSync(files.lock, `${process.pid} ${birthOf(process.pid) ?? ''}\n`)
  const abort = new AbortController()
  const done = supervise(clusterOf(), abort.signal)
  await expect.poll(() => readState(files)?.processes).toEqual({ [name]: expect.anything() })
  expect(readState(files)?.processes[name]?.lastExit).toBeUndefined()
  // The command ends and leaves the pid file: nobody asked for that exit.
  rmSync(files.lock)
  await expect
    .poll(() => readState(files)?.processes[name]?.lastExit, { timeout: 5_000 })
    .toBeDefined()
  abort.abort()
  await done
})
