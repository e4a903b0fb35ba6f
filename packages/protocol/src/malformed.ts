/**
 * MalformedMessage says why bytes are not a JSON-RPC message: `not-json` is -32700, `not-jsonrpc` is
 * -32600 (JSON-RPC 2.0 §5.1). `batch` is valid JSON, an array, whose members were not inspected:
 * -32600 as well, where batches are not accepted.
 */
export class MalformedMessage extends Error {
  readonly kind: 'not-json' | 'not-jsonrpc' | 'batch'
  /** The id as JSON text where it could be read all the same, else empty. */
  readonly id: string

  constructor(kind: MalformedMessage['kind'], reason: string, id = '', cause?: unknown) {
    super(reason, cause === undefined ? undefined : { cause })
    this.name = 'MalformedMessage'
    this.kind = kind
    this.id = id
  }
}

/** MalformedResponse is a response, to the request of its id, that holds neither a valid result nor a valid error. */
export class MalformedResponse extends MalformedMessage {
  constructor(reason: string, id: string) {
    super('not-jsonrpc', reason, id)
    this.name = 'MalformedResponse'
  }
}
