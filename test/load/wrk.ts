import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Driver, Load } from './driver.js'
import type { Request } from './traffic.js'

const run = promisify(execFile)
const script = fileURLToPath(new URL('../wrk.lua', import.meta.url))

/** What wrk.lua prints: a Load, failures beside it. */
type Printed = Omit<Load, 'failures'> & Record<(typeof kinds)[number], number>

const kinds = ['connect', 'read', 'write', 'status', 'timeout'] as const

interface WrkSpec {
  readonly runDir: string
  readonly binary: string
  readonly threads: number
  readonly signal: AbortSignal
}

/** wrkDriver drives with wrk; the requests go to it ready-made, in a file. */
export const wrkDriver = ({ runDir, binary, threads, signal }: WrkSpec): Driver => ({
  name: `wrk, ${threads} thread${threads === 1 ? '' : 's'}`,
  drive: async ({ base, requests, seconds, connections }) => {
    const file = join(runDir, 'requests.http')
    await writeFile(file, requests.map((one) => `${onTheWire(base, one)}\n\0\n`).join(''))
    const using = Math.min(threads, connections)
    const shape = ['-t', String(using), '-c', String(connections), '-d', `${seconds}s`]
    const plan = ['--timeout', '10s', '-s', script, base, '--', file, String(using)]
    const { stdout } = await run(binary, [...shape, ...plan], { signal })
    const line = stdout.split('\n').find((text) => text.startsWith('{'))
    if (line === undefined) throw new Error(`wrk printed no summary:\n${stdout}`)
    const { calls, seconds: took, p50Ms, p99Ms, ...counts } = JSON.parse(line) as Printed
    const failures = Object.fromEntries(
      kinds.flatMap((kind) => (counts[kind] > 0 ? [[kind, counts[kind]]] : [])),
    )
    return { calls, seconds: took, p50Ms, p99Ms, failures }
  },
})

const onTheWire = (base: string, { path, headers, body }: Request): string => {
  const all = { host: new URL(base).host, ...headers, 'content-length': Buffer.byteLength(body) }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}
