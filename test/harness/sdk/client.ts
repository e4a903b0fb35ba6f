/** Progress is one report of a running call. */
export interface Progress {
  readonly progress: number
  readonly total?: number | undefined
  readonly message?: string | undefined
}

/** Named is what the lists of a server hold. */
interface Named {
  readonly name: string
}

/** ToolCall is what a tool is called with. */
export interface ToolCall {
  readonly name: string
  readonly arguments: Record<string, unknown>
}

/** CallOptions: who hears of the progress of a call, and what cancels it. */
export interface CallOptions {
  readonly onProgress?: (progress: Progress) => void
  readonly signal?: AbortSignal
}

/** SdkClient is the part of the official clients, v1 and v2, that the proofs use. */
export interface SdkClient {
  readonly sdk: 'v1' | 'v2'
  readonly era: 'legacy' | 'modern'
  readonly heard: Heard
  serverInfo(): unknown
  /** The id of its session; empty where it has none, or keeps it to itself (`v1 sse`). */
  session(): string
  listTools(): Promise<{ readonly tools: readonly Named[] }>
  callTool(call: ToolCall, options?: CallOptions): Promise<unknown>
  /** Runs a tool that works as a task; undefined: this client knows no tasks. */
  readonly runTask: ((call: ToolCall) => Promise<unknown>) | undefined
  listPrompts(): Promise<{ readonly prompts: readonly Named[] }>
  getPrompt(name: string, args: Record<string, string>): Promise<unknown>
  listResources(): Promise<{ readonly resources: readonly { readonly uri: string }[] }>
  listResourceTemplates(): Promise<unknown>
  readResource(uri: string): Promise<unknown>
  /** Wants to hear when the lists of the server change. With sessions, clients hear it anyway. */
  watchLists(): Promise<unknown>
  subscribe(uri: string): Promise<unknown>
  unsubscribe(uri: string): Promise<unknown>
  /** Completes the argument of a prompt. */
  complete(prompt: string, name: string, value: string): Promise<unknown>
  /** Wants the log of the server from this level on: for the session, or told with every call that follows. */
  setLevel(level: 'debug' | 'error'): Promise<unknown>
  close(): Promise<void>
}

/** Heard is what a server told and asked of its own accord, in order. */
export interface Heard {
  readonly notifications: unknown[]
  readonly requests: unknown[]
}

export const clientInfo = { name: 'proof', version: '1.0.0' }

/** The client's side of sampling, elicitation and roots: the same answers every time. */
export const sampled = {
  model: 'proof-model',
  role: 'assistant' as const,
  stopReason: 'endTurn',
  content: { type: 'text' as const, text: 'a summary' },
}

export const elicited = (
  params: unknown,
): { action: 'accept'; content?: Record<string, string | number | boolean> } => {
  const { mode, requestedSchema } = params as {
    mode?: string
    requestedSchema?: { properties: Record<string, object> }
  }
  if (mode === 'url') return { action: 'accept' }
  const all = { name: 'Ada', check: true, integer: 7, answer: '42', interpretation: 'technical' }
  const asked = Object.keys(requestedSchema?.properties ?? {})
  const content = Object.entries(all).filter(([name]) => asked.includes(name))
  return { action: 'accept', content: Object.fromEntries(content) }
}

export const roots = { roots: [{ uri: 'file:///proof', name: 'proof' }] }
