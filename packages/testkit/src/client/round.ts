type Json = Record<string, unknown>

/** Round is what a call was answered with that needs input of its client. */
export interface Round {
  readonly resultType: string
  readonly inputRequests: Record<string, { readonly method: string; readonly params: Json }>
  readonly requestState: string
}

/** roundOf reads the questions that a call was answered with. */
export const roundOf = (told: Json): Round => told['result'] as Round

export const aForm = (message: string) => ({
  mode: 'form',
  message,
  requestedSchema: { type: 'object' },
})

/** What a client answers that accepts. */
export const yes = { action: 'accept', content: { ok: true } }
