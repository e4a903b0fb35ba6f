// Asks the instance of this environment (HOST, PORT) whether it is alive or takes work: exit 0 when it does. No dependency, no curl.
//
//   node deploy/probe.mjs /health          once
//   node deploy/probe.mjs /ready --wait    until it does; whoever runs it sets the limit
const [path = '/ready', wait] = process.argv.slice(2)
// `serve` reads the second names of earlier systems, too.
const port = process.env.PORT || process.env.SERVER_PORT || '8051'
const named = process.env.HOST || '127.0.0.1'
const host =
  { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[named] ??
  (named.includes(':') ? `[${named.replace(/[[\]]/g, '')}]` : named)
const url = `http://${host}:${port}${path}`

const ask = async () => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) })
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
}

for (;;) {
  try {
    await ask()
    process.exit(0)
  } catch (error) {
    if (wait !== '--wait') {
      console.error(`${url}: ${error.cause?.message ?? error.message}`)
      process.exit(1)
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 100))
}
