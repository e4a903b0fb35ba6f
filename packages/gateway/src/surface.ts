import type { RequestListener } from 'node:http'
import type { Admission } from '@mcp-router/router'
import type { Metrics } from '@mcp-router/observe'
import type { Principal } from '@mcp-router/core'
import { asRouterError, RouterError } from '@mcp-router/core'
import type { StoreHealth } from '@mcp-router/store'
import express from 'express'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import type { Explained } from './explain.js'
import type { Phase, Status } from './status.js'

interface Parts {
  readonly admission: Admission
  readonly metrics: Metrics
  readonly sessions: () => ReadonlyMap<string, number>
  readonly phase: () => Phase
  readonly storeHealth: () => StoreHealth
  readonly status: () => Promise<Status>
  readonly explain: (session: string, principal: Principal) => Promise<Explained>
  readonly onError: (error: unknown) => void
}

/** createSurface is everything that is not an MCP message: probes, metrics, status. Probes need no token. */
export const createSurface = (parts: Parts): RequestListener => {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')

  app.get(['/health', '/actuator/health'], (_req, res) => void res.json({ status: 'UP' }))
  app.get('/ready', (_req, res) => {
    const phase = parts.phase()
    const store = parts.storeHealth()
    // Degraded is still ready: live Sessions and calls go on from memory, and every Instance would say the same.
    const reason = troubleOf(store)
    const degraded = phase === 'ready' && reason !== undefined
    res.status(phase === 'ready' ? 200 : 503).json({
      status: degraded ? 'degraded' : phase,
      ...(degraded && { reason: `store: ${reason}` }),
    })
  })

  const admitted: RequestHandler = (req, _res, next) => {
    parts.admission.admit(req)
    next()
  }
  app.get('/metrics', admitted, async (_req, res) => {
    res.type(parts.metrics.contentType).send(await parts.metrics.render(parts.sessions()))
  })
  app.get('/api/status', admitted, async (_req, res) => {
    res.json(await parts.status())
  })
  app.get('/api/sessions/:id/explain', async (req, res) => {
    const explained = await parts.explain(req.params.id, parts.admission.admit(req))
    if (explained.kind === 'known') res.json(explained.explanation)
    else res.status(404).json({ error: explained.reason })
  })

  const byGet = ['/health', '/actuator/health', '/ready', '/metrics', '/api/status']
  app.all([...byGet, '/api/sessions/:id/explain'], (req, res) => {
    const error = `Method not allowed: ${req.path} takes GET`
    res.status(405).set('Allow', 'GET, HEAD').json({ error })
  })
  app.use((req, res) => {
    const { path } = req
    const { status, rpc, message } = new RouterError('PATH_UNKNOWN', { path, hint: hintFor(path) })
    // Its id is null: the body is not read.
    const isMessage = req.method === 'POST' && /^\/(mcp|sse)(\/|$)/.test(path)
    const error = { jsonrpc: '2.0', id: null, error: { code: rpc, message } }
    res.status(status).json(isMessage ? error : { error: message })
  })
  // Express knows an error handler by its four parameters.
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  const onError: ErrorRequestHandler = (thrown: unknown, _req, res, _next) => {
    // Express could not decode the path.
    const error = asRouterError(thrown instanceof URIError ? malformedPath(thrown) : thrown)
    if (error.code === 'INTERNAL') parts.onError(thrown)
    if (error.retryAfterS !== undefined) res.set('Retry-After', String(error.retryAfterS))
    if (error.code === 'UNAUTHENTICATED') res.set('WWW-Authenticate', 'Bearer')
    res.status(error.status).json({ error: error.message })
  }
  app.use(onError)
  return app as RequestListener
}

const troubleOf = (store: StoreHealth): string | undefined => {
  if (!store.up) return store.reason
  return store.refusesWrites && `Redis refuses writes: ${store.refusesWrites}`
}

const hintFor = (path: string): string => {
  const server: Readonly<Record<string, string>> = {
    '/sse': '/sse/<server> or /sse?serviceName=<server>',
    '/mcp': '/mcp/<server>',
    '/mcp/router/route': '/mcp/router/route/<server>',
  }
  const forms = server[path.replace(/\/+$/, '')]
  if (forms !== undefined) return `name a server: ${forms}; /api/status lists them`
  return 'MCP is at /mcp/<server>, /sse/<server> and /mcp/router/route/<server>; see /api/status'
}

const malformedPath = (cause: URIError): RouterError =>
  new RouterError('INVALID_REQUEST', { reason: 'the path is not percent-encoded UTF-8' }, cause)
