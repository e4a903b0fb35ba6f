import { Document } from 'yaml'
import { ConfigError, type Problem } from '../config-error.js'
import { readText } from '../read-text.js'
import { withoutComments } from './comments.js'
import { parseServersDocument } from './document.js'
import { entriesIn } from './top.js'

/** ServerEntries are servers as a file has them, by name, not checked and with no variable replaced. */
export type ServerEntries = Readonly<Record<string, unknown>>

/** readEntries reads the servers of a file of this router or of another MCP program. It throws ConfigError where the file cannot be read. */
export const readEntries = (path: string): ServerEntries => {
  const document = parseServersDocument(withoutComments(readText(path)), path)
  const problems: Problem[] = []
  const { servers } = entriesIn(document, document.data(), problems)
  if (problems.length > 0) throw new ConfigError(problems)
  return servers
}

/** writeEntries makes the text of a servers file, which begins with `comment`, one line without `#` each. */
export const writeEntries = (servers: ServerEntries, comment: readonly string[]): string => {
  const document = new Document({ servers })
  document.commentBefore = comment.map((line) => (line === '' ? '' : ` ${line}`)).join('\n')
  return document.toString({ lineWidth: 0 })
}
