import { paramsOf, progressTokenOf } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'

/** So many tasks of a session may report progress; of more the oldest are silent. */
const maxTokens = 1_000

/** TaskTokens are the progress tokens that stay valid once their request is answered: a task goes on (2025-11-25, tasks §Progress). */
export class TaskTokens {
  // Made with the first entry: hardly any session has one.
  private tokens: Set<string> | undefined

  note(message: Message): void {
    if (message.kind !== 'request' || !message.bytes.includes('"task"')) return
    const token = progressTokenOf(message)
    if (token === undefined || paramsOf(message)?.['task'] === undefined) return
    this.tokens = (this.tokens ?? new Set<string>()).add(token)
    const [oldest] = this.tokens
    if (this.tokens.size > maxTokens && oldest !== undefined) this.tokens.delete(oldest)
  }

  has(token: string): boolean {
    return this.tokens?.has(token) ?? false
  }
}
