import { once } from 'node:events'
import { request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { ask } from './testing/ask.js'
import { selfSigned } from './testing/certificate.js'
import { openInstances } from './testing/instances.js'
import { freePort } from './testing/port.js'
import { openRunDir } from './testing/run-dir.js'
import { openSite } from './testing/site.js'

it('serves https, and sends plain http on to it', async () => {
  const [one] = await openInstances(1)
  const tls = await selfSigned(await openRunDir())
  const redirectPort = await freePort()
  const instances = [one!.address]
  const { port } = await openSite({ instances, tls: { ...tls, redirectPort } })

  const asked = request({ host: '127.0.0.1', port, path: '/mcp/x', rejectUnauthorized: false })
  const [response] = (await once(asked.end(), 'response')) as [IncomingMessage]
  expect(JSON.parse(await text(response))).toEqual({ instance: one!.name })
  expect(one!.arrived[0]!.headers['x-forwarded-proto']).toBe('https')

  const { status, headers } = await ask(redirectPort, '/mcp/x?sessionId=1', { method: 'POST' })
  expect(status).toBe(308)
  expect(headers.location).toBe(`https://127.0.0.1:${port}/mcp/x?sessionId=1`)
})
