/** ClientNotes are what the Owner of a Session knows of its 2024-11-05 client, beside its messages. */
export interface ClientNotes {
  /** The params of the `initialize` that it may have sent in a Session before this one. */
  adoptable?: string
  /** Set while the handshake that it believes to have made is being made for it. */
  adopting?: Promise<void> | undefined
  /** Set while an `initialize` is being accepted. */
  initializing?: Promise<unknown> | undefined
  /** The ping of the router's own that it has not answered yet. */
  ping?: { readonly id: string; readonly onAnswer: () => void } | undefined
}
