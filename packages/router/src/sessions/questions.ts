import { errorBytes, scanMessage } from '@mcp-router/protocol'
import { discard } from '@mcp-router/upstream'
import type { Upstream } from '@mcp-router/upstream'

/** So many requests of its server a client may have to answer at once, and so many characters of their ids. */
const maxQuestions = 1_000
const maxIdCharacters = 64 * 1024

/** Questions are the ids (JSON text) of the requests that a server has sent to its client, which has not answered yet. */
export class Questions {
  private readonly ids = new Set<string>()
  private characters = 0

  size(): number {
    return this.ids.size
  }

  /** add notes one. False: there are as many as may be, and the server was told so. */
  add(id: string, from: Upstream | undefined): boolean {
    if (this.ids.has(id)) return true
    const characters = this.characters + id.length
    if (this.ids.size < maxQuestions && characters <= maxIdCharacters) {
      this.ids.add(id)
      this.characters = characters
      return true
    }
    const refusal = errorBytes(id, -32603, 'Too many requests wait for the answer of the client')
    if (from) discard(from.send(scanMessage(refusal)))
    return false
  }

  delete(id: string): void {
    if (this.ids.delete(id)) this.characters -= id.length
  }
}
