import type { Backend, EndpointId, Era, HttpEndpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { scanMessage, resultOf } from '@mcp-router/protocol'
import type { HttpClient } from './client.js'
import { sessionHeaders } from './headers.js'
import { isEventStream, post } from './post.js'
import type { HttpAnswer } from './post.js'

/** Eras knows what an http Endpoint speaks: as configured, else found out by asking, and remembered for a while. */
export interface Eras {
  /** The verdict where there is one; undefined: `find` it. */
  known(backend: Backend, endpoint: HttpEndpoint): Era | undefined
  /** Rejects with NO_HEALTHY_ENDPOINT or UPSTREAM_FAILED when the Endpoint does not answer: that says nothing about its Era. */
  find(backend: Backend, endpoint: HttpEndpoint): Promise<Era>
  /** The Endpoint behaved as one of the other Era might: it is asked again at the next call, unless it was just now. */
  doubt(endpoint: HttpEndpoint): void
}

/** A server may be upgraded while it keeps its address, ms. */
const rememberMs = 10 * 60_000
/** Within this a verdict is not doubted: a client's bad requests must not make one probe each, ms. */
const certainMs = 5_000
const waitMs = 10_000

const revision = '2026-07-28'
const prefix = 'io.modelcontextprotocol/'

const probe = Buffer.from(
  JSON.stringify({
    jsonrpc: '2.0',
    id: 'mcp-router-probe',
    method: 'server/discover',
    params: {
      _meta: {
        [`${prefix}protocolVersion`]: revision,
        [`${prefix}clientCapabilities`]: {},
        [`${prefix}clientInfo`]: { name: 'mcp-router', version: '0.1.0' },
      },
    },
  }),
)

export const createEras = ({ client }: { readonly client: HttpClient }): Eras => {
  const verdicts = new Map<EndpointId, { readonly era: Era; readonly at: number }>()
  const asking = new Map<EndpointId, Promise<Era>>()

  const known = (backend: Backend, endpoint: HttpEndpoint): Era | undefined => {
    if (backend.era !== 'auto') return backend.era
    const verdict = verdicts.get(endpoint.id)
    return verdict && Date.now() - verdict.at < rememberMs ? verdict.era : undefined
  }

  const ask = async (backend: Backend, endpoint: HttpEndpoint): Promise<Era> => {
    const headers = sessionHeaders(endpoint, '', revision)
    headers.push('content-type', 'application/json')
    headers.push('accept', 'application/json, text/event-stream')
    headers.push('mcp-method', 'server/discover')
    const posting = post(client, endpoint.url, { method: 'POST', headers, body: probe })
    const late = new RouterError('UPSTREAM_FAILED', {
      backend: backend.name,
      reason: 'server/discover was not answered',
    })
    const tooLong = setTimeout(() => posting.abort(late), waitMs)
    const answer = await posting.answer.finally(() => clearTimeout(tooLong))
    const era = eraFrom(answer)
    if (!era) {
      const data = { backend: backend.name, reason: `server/discover: HTTP ${answer.status}` }
      throw new RouterError('UPSTREAM_FAILED', data)
    }
    verdicts.set(endpoint.id, { era, at: Date.now() })
    return era
  }

  return {
    known,
    async find(backend, endpoint) {
      const verdict = known(backend, endpoint)
      if (verdict) return verdict
      const already = asking.get(endpoint.id)
      if (already) return already
      const asked = ask(backend, endpoint).finally(() => asking.delete(endpoint.id))
      asking.set(endpoint.id, asked)
      return asked
    },
    doubt(endpoint) {
      const verdict = verdicts.get(endpoint.id)
      if (verdict && Date.now() - verdict.at > certainMs) verdicts.delete(endpoint.id)
    },
  }
}

/** Trouble with access or on the server's side proves nothing either way. */
const undecided = (status: number): boolean => status === 401 || status === 403 || status >= 500

/** eraFrom judges the answer to `server/discover` (2026-07-28, versioning); undefined: it proves nothing. */
const eraFrom = (answer: HttpAnswer): Era | undefined => {
  if (undecided(answer.status)) return undefined
  const body = textOf(answer)
  if (answer.status === 200) return supports(body) ? 'modern' : 'legacy'
  return /"code"\s*:\s*-32022\b/.test(body) && body.includes(revision) ? 'modern' : 'legacy'
}

const textOf = (answer: HttpAnswer): string => {
  const text = answer.body.toString('utf8')
  if (!isEventStream(answer)) return text
  // One short answer: its data lines are the message.
  return [...text.matchAll(/^data: ?(.*)$/gm)].map(([, data]) => data).join('\n')
}

const supports = (body: string): boolean => {
  try {
    const versions = resultOf(scanMessage(Buffer.from(body)))?.['supportedVersions']
    return Array.isArray(versions) && versions.includes(revision)
  } catch {
    return false
  }
}
