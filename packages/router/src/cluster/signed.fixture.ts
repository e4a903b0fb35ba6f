import { sign } from './signature.js'

type Signed = Partial<Parameters<typeof sign>[1]> & { readonly target: string }

/** signedHeaders are what an Instance of this secret shows with a request, a GET for nobody unless told otherwise. */
export const signedHeaders = (
  secret: string,
  signed: Signed,
  at = Date.now(),
): Record<string, string> => {
  const usual = { method: 'GET', principal: '', requestId: 'r-1', hops: 1, body: undefined }
  const headers = sign(secret, { ...usual, ...signed }, at)
  const pairs = headers.flatMap((name, n) => (n % 2 === 0 ? [[name, headers[n + 1] ?? '']] : []))
  return Object.fromEntries(pairs) as Record<string, string>
}
