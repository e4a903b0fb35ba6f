import { runBench } from './bench.js'
import { help, type Options, readOptions } from './options.js'
import { openRunDir } from './rig.js'

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** main runs the benchmark, and ends everything it has started whatever happens: at the end, on an error, on Ctrl-C. */
const main = async (options: Options): Promise<number> => {
  const children = await openRunDir(options.runDir)
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
    // What the rows say once their processes are being ended would only confuse.
    const say = (line: string) => (signal.aborted ? undefined : print(line))
    const run = runBench({ options, children, signal, print: say })
    return await Promise.race([run, interrupted])
  } finally {
    abort.abort()
    await children.close()
  }
}

const asked = (): Options | undefined => {
  try {
    return readOptions(process.argv.slice(2), process.env)
  } catch (error) {
    // parseArgs adds a sentence on positional arguments, of which there are none here.
    const [reason = ''] = String(error instanceof Error ? error.message : error).split('. ')
    process.stderr.write(`bench: ${reason}; npm run bench -- --help lists the flags\n`)
    process.exit(1)
  }
}

try {
  const options = asked()
  if (!options) print(help)
  // Exits at once: after Ctrl-C, the rows still to come must not be tried.
  process.exit(options ? await main(options) : 0)
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
