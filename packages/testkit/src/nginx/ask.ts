import { once } from 'node:events'
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'

export interface Question {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

export interface Told {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** begin sends a request, its path as spelled, and resolves with the head of the answer. */
export const begin = async (
  port: number,
  path: string,
  { method = 'GET', headers = {}, body }: Question = {},
): Promise<IncomingMessage> => {
  const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false })
  // Nginx may answer and hang up while a body that is too large is still being sent.
  asked.on('error', () => undefined)
  const answered = once(asked, 'response') as Promise<[IncomingMessage]>
  asked.end(body)
  const [response] = await answered
  return response
}

export const ask = async (port: number, path: string, question?: Question): Promise<Told> => {
  const response = await begin(port, path, question)
  const { statusCode: status = 0, headers } = response
  return { status, headers, body: await text(response) }
}
