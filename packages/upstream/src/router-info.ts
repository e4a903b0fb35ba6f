import { readFileSync } from 'node:fs'

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string
} // our own package.json

/** routerInfo is how the router names itself to a server, where it speaks for no client. */
export const routerInfo = { name: 'mcp-router', version: manifest.version }
