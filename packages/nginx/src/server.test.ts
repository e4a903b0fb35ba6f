import { expect, it } from 'vitest'
import { siteConf } from './site.js'

const site = (version?: string): string =>
  siteConf({
    host: '127.0.0.1',
    port: 8080,
    instances: ['127.0.0.1:8051'],
    affinity: 'ip_hash',
    serverNames: [],
    ...(version !== undefined && { version }),
  })

it.each(['1.27.4', '1.28.0', '2.0.0'])('keeps idle connections over a reload in %s', (version) => {
  expect(site(version)).toContain('keepalive_min_timeout 10s;')
})

it.each([undefined, '1.22.1', '1.27.3'])('says nothing that Nginx %s does not know', (version) => {
  expect(site(version)).not.toContain('keepalive_min_timeout')
})
