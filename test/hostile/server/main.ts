import { parseArgs } from 'node:util'
import { listen } from './listen.js'
import { serveStdio } from './stdio.js'

// A server that answers oddly where a request names a step, and soundly otherwise:
// `--seed N --way legacy|modern`, and `--tls FOLDER` for https, or `--stdio` with `--first STEP` for one that is odd from the start.

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '0' },
    way: { type: 'string', default: 'legacy' },
    tls: { type: 'string' },
    stdio: { type: 'boolean', default: false },
    first: { type: 'string' },
  },
})

const seed = Number(values.seed)
const way = values.way === 'modern' ? 'modern' : 'legacy'

if (values.stdio) {
  serveStdio(seed, way, values.first === undefined ? undefined : Number(values.first))
} else {
  const server = listen({ seed, way, tls: values.tls })
  server.once('listening', () => {
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    process.stdout.write(`listens on ${port}\n`)
  })
  // Whoever started this is gone.
  process.stdin.resume().once('close', () => process.exit())
}
