import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { installCommand, installerOf } from './packages.js'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'packages-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const withManager = (name: string) => {
  const path = join(folder, name)
  writeFileSync(path, '#!/bin/sh\n')
  chmodSync(path, 0o755)
  return { PATH: folder }
}

// The machine of the test has one of its own, which is found beside what is in PATH; apt-get is
// looked for first.
describe('the package manager', () => {
  it('is named in the command for a person, with what keeps Debian from starting services', () => {
    const command = installCommand(['nginx', 'redis'], withManager('apt-get'))
    expect(command.replaceAll('sudo ', '')).toBe(
      'RUNLEVEL=1 apt-get update && RUNLEVEL=1 apt-get install -y nginx redis-server',
    )
  })

  it('is run without questions', () => {
    const command = installerOf(withManager('apt-get'))!.install(['redis'])
    expect(command.join(' ')).toBe(
      'env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends redis-server',
    )
  })
})
