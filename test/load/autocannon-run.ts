import { readFile } from 'node:fs/promises'
import autocannon from 'autocannon'
import type { DriveSpec, Load } from './driver.js'

// One run of autocannon: node autocannon-run.js FILE, where FILE is a DriveSpec as JSON. It prints a Load.

const spec = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as DriveSpec
const { connections } = spec
let clients = 0

const result = await autocannon({
  url: spec.base,
  connections,
  duration: spec.seconds,
  timeout: 10,
  // Every connection has its own share of the requests, so that no JSON-RPC id is in flight twice.
  setupClient: (client) => {
    const share = clients++ % connections
    const own = spec.requests.filter((_, n) => n % connections === share)
    client.setRequests(own.map((one) => ({ method: 'POST', ...one })))
  },
})

const failures = { status: result.non2xx, socket: result.errors, timeout: result.timeouts }
const load: Load = {
  calls: result.requests.total,
  seconds: result.duration,
  p50Ms: result.latency.p50,
  p99Ms: result.latency.p99,
  failures: Object.fromEntries(Object.entries(failures).filter(([, count]) => count > 0)),
}
process.stdout.write(JSON.stringify(load))
