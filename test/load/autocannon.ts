import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Driver, Load } from './driver.js'

const run = promisify(execFile)
const script = fileURLToPath(new URL('autocannon-run.js', import.meta.url))

/** autocannonDriver drives with autocannon in a process of its own; it takes several times wrk's CPU, times are whole ms. */
export const autocannonDriver = (runDir: string, signal: AbortSignal): Driver => ({
  name: 'autocannon',
  drive: async (spec) => {
    const file = join(runDir, 'requests.json')
    await writeFile(file, JSON.stringify(spec))
    const { stdout } = await run(process.execPath, [script, file], { signal })
    return JSON.parse(stdout) as Load
  },
})
