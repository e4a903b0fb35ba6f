import type { Env } from '@mcp-router/config'
import { RouterError, reasonOf, type Backend, type Endpoint, type Era } from '@mcp-router/core'
import { unstartable } from './unstartable.js'
import type { Finding, Prober, Transports, UpstreamPool } from '@mcp-router/upstream'

/** ProbeReport is what one Endpoint said of itself, or why it did not. */
export interface ProbeReport {
  readonly transport: Endpoint['transport']
  /** Its URL, or its command line. */
  readonly address: string
  /** Undefined where there is a problem that hides it. */
  readonly era: Era | undefined
  /** How the era was found out. */
  readonly sign: string
  readonly revisions: readonly string[]
  readonly server: { readonly name: string; readonly version: string } | undefined
  readonly problem: string | undefined
  readonly durationMs: number
}

interface ProbeDeps {
  readonly prober: Prober
  /** Opens sessions with those of the legacy era. */
  readonly pool: Pick<UpstreamPool, 'open'>
  readonly transports: Pick<Transports, 'of'>
  /** What commands are looked for with. */
  readonly env: Env
}

/** addressOf is what an operator recognises an Endpoint by; neither headers nor environment are in it. */
export const addressOf = (endpoint: Endpoint): string =>
  endpoint.transport === 'stdio'
    ? [endpoint.command, ...endpoint.args].map(quoted).join(' ')
    : endpoint.url

/** probeEndpoint asks one Endpoint what it speaks, and opens a session where it speaks with sessions. It never rejects. */
export const probeEndpoint = async (
  deps: ProbeDeps,
  backend: Backend,
  endpoint: Endpoint,
): Promise<ProbeReport> => {
  const began = performance.now()
  const finding = await findingOf(deps, backend, endpoint).catch((error: unknown) =>
    reasonIn(error),
  )
  // It may have been found out only now.
  const { transport } = deps.transports.of(endpoint)
  const durationMs = Math.round(performance.now() - began)
  const address = addressOf(endpoint)
  if (typeof finding !== 'string')
    return { transport, address, ...finding, problem: undefined, durationMs }
  const nothing = { era: undefined, sign: '', revisions: [], server: undefined }
  return { transport, address, ...nothing, problem: finding, durationMs }
}

const findingOf = async (
  { prober, pool, env }: ProbeDeps,
  backend: Backend,
  endpoint: Endpoint,
): Promise<Finding> => {
  const hindrance = unstartable(endpoint, env)
  if (hindrance !== undefined) throw new Error(hindrance.reason)
  const isFixed = backend.era !== 'auto' && endpoint.transport !== 'sse'
  const found =
    isFixed && backend.era === 'legacy' ? configured : await prober.probe(backend, endpoint)
  if (found.era === 'modern') return isFixed ? { ...found, sign: configured.sign } : found
  if (isFixed && backend.era === 'modern')
    throw new Error(`its era is configured as modern, but ${found.sign}`)
  const { handshake } = await pool.open({ ...backend, era: 'legacy' }, endpoint)
  const { protocolVersion, serverInfo } = handshake.result
  return { ...found, revisions: texts([protocolVersion]), server: serverIn(serverInfo) }
}

const configured: Finding = {
  era: 'legacy',
  sign: 'as configured',
  revisions: [],
  server: undefined,
}

const serverIn = (value: unknown): ProbeReport['server'] => {
  if (typeof value !== 'object' || value === null || !('name' in value)) return undefined
  const [name = ''] = texts([value.name])
  const [version = ''] = texts(['version' in value ? value.version : ''])
  return { name, version }
}

/** A server's own words may hold control characters, on which a terminal acts. */
const texts = (values: readonly unknown[]): readonly string[] =>
  values.filter((each) => typeof each === 'string').map((each) => each.replace(/\p{C}+/gu, ' '))

/** reasonIn is the first cause; the end of a process is told together with its last words. */
const reasonIn = (thrown: unknown): string => {
  const reason = thrown instanceof RouterError ? thrown.data['reason'] : undefined
  const cause = thrown instanceof Error ? thrown.cause : undefined
  if (cause === undefined) return reason === undefined ? reasonOf(thrown) : String(reason)
  const isEnd = thrown instanceof RouterError && thrown.code === 'UPSTREAM_FAILED'
  return isEnd && reason !== undefined ? `${String(reason)}: ${reasonIn(cause)}` : reasonIn(cause)
}

const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
