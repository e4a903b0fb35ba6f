/** The codes whose HTTP status tells what a client or an intermediary must know without the body (2026-07-28, Streamable HTTP). */
const statuses: ReadonlyMap<number, number> = new Map([
  [-32601, 404],
  [-32020, 400],
  [-32021, 400],
  [-32022, 400],
])

/** statusOf is the HTTP status of an error; most are told in band. */
export const statusOf = (code: number): number => statuses.get(code) ?? 200
