import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { afterAll, beforeAll } from 'vitest'
import { openChromium } from './chromium.js'
import type { PageReport, PageTask } from './task.js'

/** PageServer serves the page from an origin of its own. */
export interface PageServer {
  readonly origin: string
  /** Has a browser show the page, and resolves with what it reports. */
  show(task: PageTask): Promise<PageReport>
  close(): Promise<void>
}

const entry = fileURLToPath(new URL('page.ts', import.meta.url))

let bundled: Promise<string> | undefined

/** bundle is the page and the SDKs that it uses, as an application's own build makes it. */
const bundle = async (): Promise<string> => {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      write: false,
      minify: false,
      target: 'es2022',
      lib: { entry, formats: ['es'] },
      rollupOptions: { output: { inlineDynamicImports: true } },
    },
  })
  const [first] = Array.isArray(built) ? built : []
  if (!first) throw new Error('the page did not build')
  const [chunk] = first.output
  return chunk.code
}

/** usePageServer gives the tests of a file a page server, opened before the first and closed after the last. */
export const usePageServer = (): (() => PageServer) => {
  let server: PageServer | undefined
  beforeAll(async () => {
    server = await openPageServer()
  })
  afterAll(() => server?.close())
  return () => {
    if (!server) throw new Error('the page server is not open')
    return server
  }
}

/** openPageServer builds the page and listens on any free port. */
const openPageServer = async (): Promise<PageServer> => {
  const script = await (bundled ??= bundle())
  let task = ''
  let onReport: (report: string) => void = () => undefined
  const server = createServer((req, res) => {
    const served: Readonly<Record<string, readonly [string, string]>> = {
      '/': ['text/html', '<!doctype html><script type="module" src="/page.js"></script>'],
      '/page.js': ['text/javascript', script],
      '/task': ['application/json', task],
    }
    if (req.url === '/report') {
      void text(req).then((report) => onReport(report))
      res.end()
      return
    }
    const [type, body] = served[req.url ?? ''] ?? ['text/plain', '']
    res.writeHead(200, { 'content-type': type }).end(body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    async show(given) {
      task = JSON.stringify(given)
      const reported = new Promise<string>((resolve) => (onReport = resolve))
      const browser = openChromium(`${origin}/`)
      try {
        return JSON.parse(await reported) as PageReport
      } finally {
        await browser.close()
      }
    },
    async close() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
