import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { nodeEndpoint } from '../backend/backend.js'
import { stdioServer } from './stdio-server.js'

/** exclusiveEndpoint runs a stdioServer that refuses to start while another one lives, and takes a moment to end. */
export const exclusiveEndpoint = (): ReturnType<typeof nodeEndpoint> => {
  const folder = mkdtempSync(join(tmpdir(), 'exclusive-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const lock = JSON.stringify(join(folder, 'lock'))
  return nodeEndpoint(`
    const fs = require('node:fs')
    try {
      fs.closeSync(fs.openSync(${lock}, 'wx'))
    } catch {
      console.error('the browser is already in use')
      process.exit(1)
    }
    process.stdin.on('end', () => setTimeout(() => {
      fs.rmSync(${lock})
      process.exit(0)
    }, 1_000))
    ${stdioServer}`)
}
