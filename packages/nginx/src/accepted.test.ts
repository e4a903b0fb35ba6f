import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { complaints, openRunDir, selfSigned, writeConf } from '@mcp-router/testkit/nginx'
import { expect, it } from 'vitest'
import { siteConf } from './site.js'

const filesIn = (folder: string, shape: RegExp): string[] =>
  readdirSync(join(import.meta.dirname, folder))
    .filter((file) => shape.test(file))
    .map((file) => join(import.meta.dirname, folder, file))

// That of a resolver needs an Nginx newer than most systems have: test/deploy/compose-run.test.ts runs one.
const texts = [
  ...filesIn('../golden', /^site-(?!resolver).*\.conf$/),
  ...filesIn('../../../nginx', /\.conf$/),
]

/** The text with what belongs to other machines (ports, certificates, logs) moved to a folder. */
const movedTo = (folder: string, text: string): string => {
  let listeners = 0
  const inFolder = (name: string): string => `"${join(folder, name)}"`
  return text
    .replace(/listen [^\s;]+/g, () => `listen ${inFolder(`unix:${listeners++}`)}`)
    .replace(/listen "(.*)unix:/g, 'listen "unix:$1')
    .replace(/'\/[^']*\.crt'/g, inFolder('mcp-bridge.local.crt'))
    .replace(/'\/[^']*\.key'/g, inFolder('mcp-bridge.local.key'))
    .replace(/'\/[^']*\.log'/g, inFolder('access.log'))
}

it.each(texts)('nginx accepts %s without a warning', async (file) => {
  const runDir = await openRunDir()
  await selfSigned(runDir)
  const mainFile = await writeConf(runDir, movedTo(runDir, readFileSync(file, 'utf8')))
  expect(complaints(runDir, mainFile)).toBe('')
})

const settings = {
  host: '127.0.0.1',
  port: 8080,
  instances: ['127.0.0.1:8051'],
  affinity: 'ip_hash',
  serverNames: [],
} as const

it.each([
  { host: '127.0.0.1; include /etc/passwd' },
  { instances: [] },
  { instances: ['127.0.0.1:8051 down'] },
  { serverNames: ['mcp.example; return 200'] },
  { accessLog: '/var/log/$host.log' },
])('refuses %j, which would say something else to Nginx', (change) => {
  expect(() => siteConf({ ...settings, ...change })).toThrow()
})
