import type { Backend, Endpoint } from '@mcp-router/core'
import { requestBytes, scanMessage } from '@mcp-router/protocol'
import { answerOf, SessionLost } from '@mcp-router/upstream'
import type { SharedUpstream, UpstreamPool } from '@mcp-router/upstream'

type Json = Readonly<Record<string, unknown>>

interface Place {
  readonly backend: Backend
  readonly endpoint: Endpoint
}

/** Refused says that the server answered with an error. */
export class Refused extends Error {
  constructor(method: string) {
    super(`${method} was refused`)
    this.name = 'Refused'
  }
}

/** How long the router waits for what it asks itself, ms: calls wait for it. */
const askMs = 2_000

/** askPooled asks a server something of the router's own through that session, once more where it had forgotten it, and resolves with the result. */
export const askPooled = async (
  pool: UpstreamPool,
  { backend, endpoint }: Place,
  method: string,
  params: Json,
): Promise<Json> => {
  const open = (): Promise<SharedUpstream> => pool.open(backend, endpoint)
  const shared = pool.find(endpoint) ?? (await open())
  try {
    return await askShared(shared, method, params)
  } catch (error) {
    if (!(error instanceof SessionLost)) throw error
    pool.drop(endpoint, shared)
    return askShared(await open(), method, params)
  }
}

const askShared = async (
  { exchange }: SharedUpstream,
  method: string,
  params: Json,
): Promise<Json> => {
  const message = scanMessage(requestBytes(0, method, params))
  let tooLong: NodeJS.Timeout | undefined
  const asking = new Promise<Buffer>((resolve, reject) => {
    const ticket = exchange.request(message, { onAnswer: resolve, onFailed: reject })
    tooLong = setTimeout(() => {
      exchange.cancel(ticket)
      reject(new Error(`${method} was not answered`))
    }, askMs)
  })
  const bytes = await asking.finally(() => clearTimeout(tooLong))
  const { result } = answerOf(scanMessage(bytes))
  if (!result) throw new Refused(method)
  return result
}
