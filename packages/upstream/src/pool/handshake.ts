import {
  latestLegacy,
  notificationBytes,
  requestBytes,
  resultOf,
  scanMessage,
} from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { Upstream } from '../upstream.js'
import type { Exchange } from './exchange.js'

/** Handshake is what an Endpoint said in its InitializeResult. */
export interface Handshake {
  readonly result: Readonly<Record<string, unknown>>
}

/** A command may first have to be fetched (npx), ms. */
const waitMs = 60_000

/** shakeHands opens a session of the router's own: no capabilities, for nobody would answer the server's requests. */
export const shakeHands = async (upstream: Upstream, exchange: Exchange): Promise<Handshake> => {
  const params = {
    protocolVersion: latestLegacy,
    capabilities: {},
    clientInfo: { name: 'mcp-router', version: '0.1.0' },
  }
  const request = scanMessage(requestBytes('initialize', 'initialize', params))
  const answer = scanMessage(await answerTo(request, exchange))
  const result = resultOf(answer)
  if (!result) throw new Error('initialize was refused')
  await upstream.send(scanMessage(notificationBytes('notifications/initialized')))
  return { result }
}

const answerTo = (request: Message, exchange: Exchange): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const tooLong = setTimeout(() => {
      exchange.cancel(ticket)
      reject(new Error('initialize was not answered'))
    }, waitMs)
    const ticket = exchange.request(request, {
      onAnswer(response) {
        clearTimeout(tooLong)
        resolve(response)
      },
      onFailed(error) {
        clearTimeout(tooLong)
        reject(error)
      },
    })
  })
