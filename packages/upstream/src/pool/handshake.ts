import { notificationBytes, resultOf, scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { initializeBytes, ownInitialize } from '../era/discover.js'
import type { Upstream } from '../upstream.js'
import type { Exchange } from './exchange.js'

/** Handshake is what an Endpoint said in its InitializeResult. */
export interface Handshake {
  readonly result: Readonly<Record<string, unknown>>
}

/** shakeHands opens a session of the router's own: no capabilities, for nobody would answer the server's requests. */
export const shakeHands = async (upstream: Upstream, exchange: Exchange): Promise<Handshake> => {
  const request = scanMessage(initializeBytes(ownInitialize))
  const answer = scanMessage(await answerTo(request, exchange))
  const result = resultOf(answer)
  if (!result) throw new Error('initialize was refused')
  await upstream.send(scanMessage(notificationBytes('notifications/initialized')))
  return { result }
}

const answerTo = (request: Message, exchange: Exchange): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    exchange.request(request, { onAnswer: resolve, onFailed: reject })
  })
