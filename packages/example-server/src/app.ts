import { localhostHostValidation } from '@modelcontextprotocol/sdk/server/middleware/hostHeaderValidation.js'
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js'
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type Response,
} from 'express'
import type { Sessions } from './sessions.js'

/** createApp answers MCP at /mcp and says at /health that it lives. */
export const createApp = (sessions: Sessions, isLoopback: boolean): Express => {
  const app = express()
  app.disable('x-powered-by')
  // A web page must not reach a server on this machine under a name of its own (DNS rebinding).
  if (isLoopback) app.use(localhostHostValidation())
  app.use(express.json({ limit: '8mb' }))
  app.get('/health', (_request, response) => {
    response.json({ status: 'ok', sessions: sessions.size })
  })
  app.all('/mcp', (request, response) => answer(sessions, request, response))
  app.use(unreadable)
  return app
}

// Express knows an error handler by its four parameters.
const unreadable: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (response.headersSent) {
    next(error)
    return
  }
  const isTooLarge = error instanceof Error && error.name === 'PayloadTooLargeError'
  if (isTooLarge) refuse(response, 413, -32000, 'The body is too large')
  else refuse(response, 400, -32700, 'Parse error: the body is not valid JSON')
}

const answer = async (sessions: Sessions, request: Request, response: Response): Promise<void> => {
  const id = request.get('mcp-session-id')
  if (id === undefined) {
    if (!isInitializeRequest(request.body)) {
      refuseUnopened(request.body, response)
      return
    }
    const transport = await sessions.start()
    return transport.handleRequest(request, response, request.body)
  }
  const session = sessions.use(id)
  // 404 tells the client to initialize again (MCP 2025-11-25, transports, session management).
  if (session === undefined) {
    refuse(response, 404, -32001, 'Session not found')
    return
  }
  response.once('close', session.done)
  return session.transport.handleRequest(request, response, request.body)
}

/** body: what was sent without a session, and opens none. */
const refuseUnopened = (body: unknown, response: Response): void => {
  const { method, id } = (body ?? {}) as Readonly<Record<string, unknown>>
  if (method !== 'initialize') {
    refuse(response, 400, -32000, 'No session: send initialize first')
    return
  }
  const message = 'initialize needs protocolVersion, capabilities and clientInfo'
  refuse(
    response,
    400,
    -32602,
    message,
    typeof id === 'string' || typeof id === 'number' ? id : null,
  )
}

const refuse = (
  response: Response,
  status: number,
  code: number,
  message: string,
  id: string | number | null = null,
): void => {
  response.status(status).json({ jsonrpc: '2.0', error: { code, message }, id })
}
