import type { Mortals } from './mortal.js'
import { help, readOptions } from './options.js'
import type { Options } from './options.js'
import { openRunDir } from './rig.js'
import { runChaos } from './run.js'

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** main runs the harness, and ends everything it has started whatever happens: at the end, on an error, on Ctrl-C. */
const main = async (options: Options): Promise<number> => {
  const mortals: Mortals = await openRunDir(options.runDir)
  const abort = new AbortController()
  const interrupted = new Promise<number>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(name, () => {
        print('interrupted: ending what was started')
        resolve(130)
      })
    }
  })
  try {
    const { signal } = abort
    // What is said while processes are being ended would only confuse.
    const say = (line: string) => (signal.aborted ? undefined : print(line))
    const run = runChaos({ options, mortals, signal, print: say })
    run.catch(() => undefined)
    return await Promise.race([run, interrupted])
  } finally {
    abort.abort()
    await mortals.close()
  }
}

const asked = (): Options | undefined => {
  try {
    return readOptions(process.argv.slice(2), process.env)
  } catch (error) {
    // parseArgs adds a sentence on positional arguments, of which there are none here.
    const [reason = ''] = String(error instanceof Error ? error.message : error).split('. ')
    process.stderr.write(`chaos: ${reason}; npm run chaos -- --help lists the flags\n`)
    process.exit(1)
  }
}

try {
  const options = asked()
  if (!options) print(help)
  // Exits at once: after Ctrl-C, clients would go on trying.
  process.exit(options ? await main(options) : 0)
} catch (error) {
  process.stderr.write(
    `chaos: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  process.exit(1)
}
