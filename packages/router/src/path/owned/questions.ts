import { errorBytes, scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'

/** So many requests of its server a client may have to answer at once, and so many characters of their ids. */
const maxQuestions = 1_000
const maxIdCharacters = 64 * 1024

const tooMany = 'Too many requests wait for the answer of the client'

/** Questions are the ids (JSON text) of the requests that a server has sent to its client, which has not answered yet. */
export class Questions {
  private readonly ids = new Set<string>()
  private characters = 0

  size(): number {
    return this.ids.size
  }

  /** add notes one. False: there are as many as may be, and `refuse` is to tell the server so. */
  add(id: string, refuse: (response: Message) => void): boolean {
    if (this.ids.has(id)) return true
    const characters = this.characters + id.length
    if (this.ids.size < maxQuestions && characters <= maxIdCharacters) {
      this.ids.add(id)
      this.characters = characters
      return true
    }
    refuse(scanMessage(errorBytes(id, -32603, tooMany)))
    return false
  }

  /** clear is for those of a session at the server that is gone. */
  clear(): void {
    this.ids.clear()
    this.characters = 0
  }

  delete(id: string): void {
    if (this.ids.delete(id)) this.characters -= id.length
  }
}
