import type { CallEvent, Principal, SessionId } from '@mcp-router/core'
import { MalformedMessage } from '@mcp-router/protocol'
import { serveCall } from './downstream/call.js'
import { compose } from './compose.js'
import type { Context } from './context.js'
import { serveHttp } from './downstream/http.js'
import { serveSse } from './downstream/sse.js'
import { serveMessage } from './downstream/sse-message.js'
import type { RouterDeps } from './deps.js'
import { malformed } from './calls/failure.js'
import { markAnswered } from './cluster/answered.js'
import { handoffPrefix } from './cluster/handoff.js'
import { peersPath } from './cluster/peers.js'
import { answerRecall, recallPrefix } from './cluster/recall.js'
import { routersOf } from './cluster/routers-of.js'
import type { Sender } from './cluster/signature.js'
import { Incoming } from './http/incoming.js'
import { keepToAccepted } from './http/one-form.js'
import { respondError } from './http/respond.js'
import { acknowledged } from './sse/acknowledge.js'
import { listeningPrefix } from './listening/listening-peers.js'
import { keepStreams } from './path/portable/portable.js'
import { noteAskedHere } from './listening/asked.js'
import { matchTarget } from './http/target.js'
import type { Target } from './http/target.js'
import { createUnderway } from './http/underway.js'
import { hasPending, until } from './calls/until.js'
import type { EdgeRequest, EdgeResponse } from './http/edge.js'

/** Router is the data plane of one Instance. */
export interface Router {
  /** Takes the request when its path is the data plane's; false: it is somebody else's. */
  handle(req: EdgeRequest, res: EdgeResponse): boolean
  /** The same for what comes from other Instances only, the way back of one that drains. */
  handleBack(req: EdgeRequest, res: EdgeResponse): boolean
  /** Another Instance goes on with a Session, or ended it (`isOver`). It resolves once what belonged to it here is gone. */
  forget(id: SessionId, isOver?: boolean): Promise<void>
  /** Another Instance heard the server of a portable Session ask the client. */
  clientAsked(id: SessionId): void
  /** How many Sessions are held in memory, by Backend. */
  sessions(): ReadonlyMap<string, number>
  /** Calls under way. */
  calls(): number
  /** Requests taken so far. */
  begun(): number
  stateOf: Context['selector']['stateOf']
  /** Its lease had lapsed: finds out which of its Sessions other Instances took over meanwhile. */
  revalidate(): Promise<void>
  /** It will drain in a moment: Sessions that other Instances take over finish their calls here. */
  linger(): void
  /** Takes no new Sessions, lets calls finish for at most `limitMs`, then ends Streams and Upstreams. */
  drain(limitMs: number): Promise<void>
}

const anonymous: Principal = { name: '' }

export const createRouter = (given: RouterDeps): Router => {
  const { context, close } = compose(given)
  const { deps, sessions, selector, handoff, peers, listening } = context
  const underway = createUnderway()
  let closed = false

  const serve = (target: Target, incoming: Incoming): Promise<void> => {
    switch (target.kind) {
      case 'call':
        return serveCall(context, incoming, target.backend, target.deadlineMs)
      case 'http':
        return serveHttp(context, incoming, target.backend)
      case 'sse':
        return serveSse(context, incoming, target.backend, target.client)
      case 'message':
        return serveMessage(context, incoming, target.backend, target.session)
    }
  }

  const take = (
    target: Target,
    req: EdgeRequest,
    res: EdgeResponse,
    from: Sender | undefined,
  ): void => {
    const downstream = downstreamOf[target.kind]
    const { events, admission, loops } = deps
    let principal: Principal
    try {
      principal = from ? { name: from.principal } : admission.admit(req)
    } catch (error) {
      respondError(new Incoming(req, res, anonymous, downstream, 0, events), error)
      return
    }
    const incoming = new Incoming(req, res, principal, downstream, from?.hops ?? 0, events)
    if (from) incoming.bodyDigest = from.digest
    // Where it leaves for its client, also if another Instance answers it.
    if (!from && req.method === 'POST' && target.kind !== 'message') keepToAccepted(incoming)
    let routers: string
    try {
      routers = routersOf(loops, req, from)
      underway.add(incoming)
    } catch (error) {
      respondError(incoming, error)
      return
    }
    const onFailed = (error: unknown): void =>
      respondError(incoming, error instanceof MalformedMessage ? malformed(error) : error)
    if (routers === '') serve(target, incoming).catch(onFailed)
    else loops.within(routers, () => void serve(target, incoming).catch(onFailed))
  }

  const handleInternal = (url: string, req: EdgeRequest, res: EdgeResponse): boolean => {
    if (closed) {
      // Not marked as answered: the sender knows that nothing was taken.
      res.writeHead(503, ['connection', 'close']).end()
      return true
    }
    const from = handoff.admit(req)
    if (!from) return false
    if (url.startsWith(recallPrefix)) {
      answerRecall(url, res, (id) => sessions.held(id)?.record)
      return true
    }
    if (url === peersPath) {
      peers.accept(res)
      return true
    }
    if (url.startsWith(listeningPrefix)) {
      listening.answer(req.method ?? '', url, res)
      return true
    }
    const target = url.startsWith(handoffPrefix) && matchTarget(url.slice(handoffPrefix.length))
    if (!target) return false
    req.url = url.slice(handoffPrefix.length)
    markAnswered(res)
    take(target, req, res, from)
    return true
  }

  /** callsOver resolves once nothing is under way, or at `giveUpAt`. */
  const callsOver = async (giveUpAt: number): Promise<void> => {
    const isParked = (): boolean => context.bridge.parking.size() > 0
    do {
      const leftMs = Math.max(0, giveUpAt - performance.now())
      const isQuiet = (): boolean => !hasPending(sessions) && !isParked()
      await Promise.all([underway.callsEnded(leftMs), until(isQuiet, leftMs)])
      // One more may have come over a kept connection while the others were waited for.
    } while (underway.hasCalls() && performance.now() < giveUpAt)
  }

  return {
    handle(req, res) {
      const url = req.url ?? '/'
      if (url.startsWith('/internal/')) return handleInternal(url, req, res)
      if (closed) {
        // It would be cut off in the middle: not begun here, Nginx sends it on.
        req.socket.destroy()
        return true
      }
      const target = matchTarget(url)
      if (target) take(target, req, res, undefined)
      return target !== undefined
    },
    handleBack: (req, res) => handleInternal(req.url ?? '/', req, res),
    clientAsked: (id) => noteAskedHere(context, id),
    forget: (id, isOver) => sessions.forget(id, isOver),
    sessions() {
      const counts = new Map<string, number>()
      for (const { record } of sessions.all()) {
        counts.set(record.backend, (counts.get(record.backend) ?? 0) + 1)
      }
      return counts
    },
    calls: () => underway.size(),
    begun: () => underway.begun(),
    stateOf: (endpoint) => selector.stateOf(endpoint),
    revalidate: () => sessions.revalidate(),
    linger: () => sessions.linger(),
    async drain(limitMs) {
      context.draining = true
      sessions.linger()
      const giveUpAt = performance.now() + limitMs
      await callsOver(giveUpAt)
      await Promise.all([...sessions.all()].map((held) => acknowledged(context.callLog, held)))
      await keepStreams(context, Math.max(0, giveUpAt - performance.now()))
      // Or over that of a stream, which has ended now.
      await callsOver(giveUpAt)
      closed = true
      await close()
    },
  }
}

const downstreamOf: Record<Target['kind'], CallEvent['downstream']> = {
  call: 'call',
  http: 'http',
  sse: 'sse',
  message: 'sse',
}
