/** createAnswering hears messages of a server and answers its questions, as every client does: a deadline stands still while a user thinks. */
export const createAnswering = (post: (body: string) => Promise<unknown>) => (message: string) => {
  const id = idOfQuestion(message)
  if (id === undefined) return
  const error = { code: -32601, message: 'This client has nobody to ask' }
  // A server that asks and leaves gets no answer.
  post(JSON.stringify({ jsonrpc: '2.0', id, error })).catch(() => undefined)
}

const idOfQuestion = (text: string): unknown => {
  try {
    const message = JSON.parse(text) as { readonly id?: unknown; readonly method?: unknown } | null
    return typeof message?.method === 'string' ? (message.id ?? undefined) : undefined
  } catch {
    return undefined
  }
}
