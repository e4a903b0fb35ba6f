// As much of autocannon, which brings no types, as the bench uses.
declare module 'autocannon' {
  interface Sent {
    readonly method: 'POST'
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  }
  interface Options {
    readonly url: string
    readonly connections: number
    readonly duration: number
    readonly timeout: number
    readonly setupClient: (client: { setRequests(requests: readonly Sent[]): void }) => void
  }
  interface Result {
    readonly duration: number
    readonly requests: { readonly total: number }
    readonly latency: { readonly p50: number; readonly p99: number }
    readonly errors: number
    readonly timeouts: number
    readonly non2xx: number
  }
  const autocannon: (options: Options) => Promise<Result>
  export default autocannon
}
