import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** Where package managers put daemons that an unprivileged user's PATH often leaves out. */
const beyondPath = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin']

/** findBinary is the path of a program; it throws what to install when there is none. */
export const findBinary = async (name: string): Promise<string> => {
  const path = await lookUp(name)
  if (path === undefined) throw new Error(`${name} is not installed: run scripts/setup.sh first`)
  return path
}

/** hasBinary says whether a program can be started. */
export const hasBinary = async (name: string): Promise<boolean> =>
  (await lookUp(name)) !== undefined

const lookUp = async (name: string): Promise<string | undefined> => {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...beyondPath]
  for (const folder of folders) {
    const path = join(folder, name)
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (folder && found) return path
  }
  return undefined
}
