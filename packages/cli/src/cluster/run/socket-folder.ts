import { lstatSync, mkdirSync } from 'node:fs'
import { Failure } from '../../failure.js'

/** makeSocketFolder makes a folder that only its owner can enter, where there is none yet. */
export const makeSocketFolder = (folder: string): void => {
  try {
    // Not recursive: a folder that somebody else made meanwhile is no success.
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  const problem = socketFolderProblem(folder)
  if (problem !== undefined) throw new Failure(problem)
}

/**
 * socketFolderProblem tells why a folder is not a real one, ours and closed to others; undefined: it
 * is. In a folder that everyone may write to, somebody else may have made it first, to put a socket
 * of their own there.
 */
export const socketFolderProblem = (folder: string): string | undefined => {
  const reason = reasonAgainst(folder)
  return reason === undefined ? undefined : `${folder}, where Redis has its socket, ${reason}`
}

const remedy = 'remove it, or set MCP_RUN_DIR to a shorter path'

const reasonAgainst = (folder: string): string | undefined => {
  // Not stat: a link would be followed to where its maker likes.
  const found = lstatSync(folder, { throwIfNoEntry: false })
  if (found === undefined) return 'is not there; start the cluster'
  if (!found.isDirectory()) return `is not a directory; ${remedy}`
  const own = process.getuid?.()
  if (own !== undefined && found.uid !== own)
    return `belongs to another user (uid ${found.uid}); ${remedy}`
  const mode = found.mode & 0o777
  if ((mode & 0o077) === 0) return undefined
  return `is open to other users (mode ${mode.toString(8)}); ${remedy}`
}
