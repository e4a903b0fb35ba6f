type Json = Record<string, unknown>

/** ServerSession is one client of a scripted server, as its transport has it: a process, or a session. */
export interface ServerSession {
  readonly id: string
  /** Of its process; for a server that has none, of the test. */
  readonly pid: number
  /** Sends a message, on the stream of this call where the transport has one for each. */
  readonly send: (message: object, call?: { readonly id: unknown }) => void
  /** Writes to standard error. */
  readonly log: (text: string) => void
  /** Ends the process with this code, or cuts the connections of the session. */
  readonly exit: (code?: number) => void
}

/** ServerCall is a message of the client that names a method: a request, or without id a notification. */
export interface ServerCall {
  readonly id: unknown
  readonly method: string
  readonly params: Json
  readonly session: ServerSession
  readonly reply: (result: object) => void
  readonly refuse: (code: number, message?: string, data?: object) => void
  readonly notify: (method: string, params?: object) => void
  /** Asks the client, under this id; resolves with the response that comes. */
  readonly ask: (method: string, params?: object, id?: string) => Promise<Json>
}

/** Step is what a server does with a call. */
export type Step = (call: ServerCall) => unknown

export interface Script {
  /** What it does by method; the rest is answered with its params. */
  readonly on?: Readonly<Record<string, Step>> | undefined
  /** Does the rest in place of that. */
  readonly otherwise?: Step | undefined
  readonly era?: 'legacy' | 'modern' | undefined
  /** Agreed on at initialize: this one, or what the client asks for. */
  readonly revision?: string | undefined
  readonly capabilities?: object | undefined
  /** Sees the responses of the client, also those to what nobody asked here. */
  readonly onResponse?: (response: Json, session: ServerSession) => void
  /** Whatever this one sends is not done. */
  readonly isDeafTo?: (session: ServerSession) => boolean
}

export const echoes: Step = (call) => {
  if (call.id !== undefined) call.reply(call.params)
}

export const hang: Step = () => undefined

export const exit: Step = ({ session }) => session.exit(3)

export const unknownMethod: Step = (call) => {
  if (call.id !== undefined) call.refuse(-32601, 'unknown')
}

const handshake =
  ({ revision, capabilities = {} }: Script): Step =>
  ({ params, session, reply }) => {
    const serverInfo = { name: 'scripted', version: '1', pid: session.pid }
    const protocolVersion = revision ?? params['protocolVersion'] ?? '2025-06-18'
    reply({ protocolVersion, capabilities, serverInfo })
  }

const discovery =
  ({ capabilities = {} }: Script): Step =>
  ({ reply }) => {
    const supportedVersions = ['2026-07-28']
    reply({
      resultType: 'complete',
      supportedVersions,
      capabilities,
      ttlMs: 0,
      cacheScope: 'private',
    })
  }

/** perform gives what a client sends to the steps of a script, and its responses to who asked. */
export const perform = (script: Script) => {
  const opening: Record<string, Step> =
    script.era === 'modern'
      ? { 'server/discover': discovery(script), initialize: unknownMethod }
      : { initialize: handshake(script) }
  const steps: Readonly<Record<string, Step>> = { ...opening, ...script.on }
  const otherwise = script.otherwise ?? echoes
  const waiting = new Map<string, (response: Json) => void>()
  const calls: ServerCall[] = []
  let questions = 0

  const receive = (message: Json, session: ServerSession): void => {
    if (script.isDeafTo?.(session)) return
    const { id, method } = message
    const keyOf = (question: unknown) => `${session.id} ${JSON.stringify(question)}`
    if (typeof method !== 'string') {
      script.onResponse?.(message, session)
      const key = keyOf(id)
      waiting.get(key)?.(message)
      waiting.delete(key)
      return
    }
    const send = (body: Json): void => session.send({ jsonrpc: '2.0', ...body }, { id })
    const call: ServerCall = {
      id,
      method,
      params: (message['params'] ?? {}) as Json, // a request of the protocol has an object there
      session,
      reply: (result) => send({ id, result }),
      refuse: (code, text = 'no', data) =>
        send({ id, error: { code, message: text, ...(data && { data }) } }),
      notify: (name, params) => send({ method: name, ...(params && { params }) }),
      ask: (name, params, question = `q-${++questions}`) =>
        new Promise((resolve) => {
          waiting.set(keyOf(question), resolve)
          send({ id: question, method: name, ...(params && { params }) })
        }),
    }
    calls.push(call)
    void (steps[method] ?? otherwise)(call)
  }
  return { calls, receive }
}
