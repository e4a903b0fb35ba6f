import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { mainConf, siteConf, type MainSettings, type NginxSettings } from './index.js'

const golden = join(import.meta.dirname, '../golden')
const sample = join(import.meta.dirname, '../../../nginx')

/** Expects the text in a file; `UPDATE_GOLDEN=1` writes it there for the review of its diff. */
const expectFile = (file: string, text: string): void => {
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text)
  expect(text).toBe(readFileSync(file, 'utf8'))
}

const settingsOf = (file: string): unknown => JSON.parse(readFileSync(join(golden, file), 'utf8'))

describe('golden', () => {
  const cases = readdirSync(golden).filter((file) => /^site-.*\.json$/.test(file))

  it.each(cases)('%s becomes the text beside it', (file) => {
    const text = siteConf(settingsOf(file) as NginxSettings)
    expectFile(join(golden, file.replace('.json', '.conf')), text)
  })

  it('main.json becomes the text beside it', () => {
    expectFile(join(golden, 'main.conf'), mainConf(settingsOf('main.json') as MainSettings))
  })
})

describe('nginx/', () => {
  const names = ['mcp-bridge.local', 'mcp-bridge.local.tls']

  it.each(names)('%s.conf is what siteConf makes', (name) => {
    const text = siteConf(settingsOf(`sample-${name}.json`) as NginxSettings)
    expectFile(join(sample, `${name}.conf`), text)
  })
})
