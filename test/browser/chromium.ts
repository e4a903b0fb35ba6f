import { spawn } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const names = ['chromium', 'chromium-browser', 'google-chrome']

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const find = (): string => {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const path = names.flatMap((name) => folders.map((each) => join(each, name))).find(isProgram)
  if (path === undefined)
    throw new Error('Chromium is missing: scripts/mcp-router.sh doctor --install chromium')
  return path
}

/** openChromium shows a page, without a window, until it is closed. */
export const openChromium = (url: string): { close(): Promise<void> } => {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-chromium-'))
  const args = [
    '--headless=new',
    // Its sandbox does not run as root.
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--disable-background-networking',
    '--no-first-run',
    `--user-data-dir=${folder}`,
  ]
  const env = { ...process.env, HOME: folder }
  const child = spawn(find(), [...args, url], { env, stdio: 'ignore', detached: true })
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  return {
    async close() {
      // With its helpers, which are in its process group.
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
