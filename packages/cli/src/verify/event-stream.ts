import { Failure } from '../failure.js'
import { bearer, whyFailed } from '../http.js'

const timeoutMs = 10_000

/** firstEvent opens a stream of events and resolves with the text of the first one. */
export const firstEvent = async (url: string, token: string | undefined): Promise<string> => {
  try {
    return await read(url, token)
  } catch (error) {
    if (error instanceof Failure) throw error
    throw new Failure(`${url}: ${whyFailed(error)}`)
  }
}

const read = async (url: string, token: string | undefined): Promise<string> => {
  const signal = AbortSignal.timeout(timeoutMs)
  const headers = { accept: 'text/event-stream', ...bearer(token) }
  const response = await fetch(url, { headers, signal })
  if (response.status !== 200 || response.body === null)
    throw new Failure(`${url} answers ${response.status}`)
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body) {
    // undici types a chunk of a body as any; it is bytes.
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (/\r?\n\r?\n/.test(text.replace(/^:.*\r?\n\r?\n/gm, ''))) break
  }
  return text
}
