import { once } from 'node:events'
import { request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { ask, openInstances, openRunDir, openSite, selfSigned } from '@mcp-router/testkit/nginx'
import { freePorts } from '@mcp-router/testkit/process'
import { expect, it } from 'vitest'

/** Browsers stay on https, and take an answer for what it says it is. */
const kept = {
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
}

it('serves https, and sends plain http on to it', async () => {
  const [one] = await openInstances(1)
  const tls = await selfSigned(await openRunDir())
  const redirectPort = await freePorts(1)
  const instances = [one!.address]
  const { port } = await openSite({ instances, tls: { ...tls, redirectPort } })

  const asked = request({ host: '127.0.0.1', port, path: '/mcp/x', rejectUnauthorized: false })
  const [response] = (await once(asked.end(), 'response')) as [IncomingMessage]
  expect(JSON.parse(await text(response))).toEqual({ instance: one!.name })
  expect(one!.arrived[0]!.headers['x-forwarded-proto']).toBe('https')
  expect(response.headers).toMatchObject(kept)

  const own = request({ host: '127.0.0.1', port, path: '/internal/x', rejectUnauthorized: false })
  const [refused] = (await once(own.end(), 'response')) as [IncomingMessage]
  expect([refused.resume().statusCode, refused.headers]).toMatchObject([404, kept])

  const { status, headers } = await ask(redirectPort, '/mcp/x?sessionId=1', { method: 'POST' })
  expect(status).toBe(308)
  expect(headers.location).toBe(`https://127.0.0.1:${port}/mcp/x?sessionId=1`)
})
