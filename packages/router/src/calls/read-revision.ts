import { reasonOf, RouterError } from '@mcp-router/core'
import { agreedRevision, errorBytes, resultOf } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { failureOf } from './failure.js'

/** readRevision is the revision in an InitializeResult, or empty. It blames the Endpoint for what is none. */
export const readRevision = (
  backend: string,
  result: Readonly<Record<string, unknown>>,
): string => {
  try {
    return agreedRevision(result)
  } catch (error) {
    throw new RouterError('UPSTREAM_BAD_ANSWER', { backend, reason: reasonOf(error) }, error)
  }
}

/** Agreement is what came of `initialize`. */
interface Agreement {
  /** The answer; an error in its place where the server named a revision that is none. */
  readonly answer: Message
  readonly revision: string
  readonly capabilities: unknown
}

export const readAgreement = (backend: string, answer: Message): Agreement => {
  const { capabilities, ...result } = resultOf(answer) ?? {}
  try {
    return { answer, revision: readRevision(backend, result), capabilities }
  } catch (thrown) {
    const { rpc, message } = failureOf(backend, thrown)
    const bytes = errorBytes(answer.id, rpc, message)
    return {
      answer: { ...answer, bytes, idSpan: undefined },
      revision: '',
      capabilities: undefined,
    }
  }
}
