import { errorBytes, scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'

/** So many requests of its server a client may have to answer at once, and so many characters of their ids. */
const maxQuestions = 1_000
const maxIdCharacters = 64 * 1024

const tooMany = 'Too many requests wait for the answer of the client'

/** Questions are the ids (JSON text) of the requests that a server has sent to its client, which has not answered yet. */
export class Questions {
  /** When the last one came, as `performance.now()` counts. */
  askedAt = 0
  // Made with the first entry: hardly any session has one.
  private ids: Set<string> | undefined
  private characters = 0

  size(): number {
    return this.ids?.size ?? 0
  }

  /** add notes one. What it returns is to be told to the server instead: there are as many as may be. */
  add(id: string): Message | undefined {
    this.askedAt = performance.now()
    const ids = (this.ids ??= new Set())
    if (ids.has(id)) return undefined
    const characters = this.characters + id.length
    if (ids.size >= maxQuestions || characters > maxIdCharacters)
      return scanMessage(errorBytes(id, -32603, tooMany))
    ids.add(id)
    this.characters = characters
    return undefined
  }

  /** clear is for those of a session at the server that is gone. */
  clear(): void {
    this.ids = undefined
    this.characters = 0
  }

  delete(id: string): void {
    if (this.ids?.delete(id)) this.characters -= id.length
  }
}
