import { closeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { perform } from './act.js'
import type { Output } from './act.js'
import { askedBy, randomOf } from './asked.js'
import { oddLines } from './lines.js'
import { soundAnswer } from './sound.js'
import type { Way } from './sound.js'

/** serveStdio answers on standard output; `first` is the step that every answer belongs to. */
export const serveStdio = (seed: number, way: Way, first: number | undefined): void => {
  let turn = Promise.resolve()
  const take = async (line: string): Promise<void> => {
    const asked = askedBy(line, first)
    const sound = asked.method === 'none' ? undefined : soundAnswer(asked, way)
    if (asked.step !== undefined)
      return perform(oddLines(randomOf(seed, asked), asked, sound ?? '{}'), output)
    if (asked.ms > 0) await wait(asked.ms)
    if (sound !== undefined) await output.write(Buffer.from(`${sound}\n`))
  }
  createInterface({ input: process.stdin })
    // One after the other, so that bytes of two answers do not mix; a sound answer never waits for an odd one.
    .on('line', (line) => {
      if (askedBy(line, first).step === undefined) void take(line)
      else turn = turn.then(() => take(line))
    })
    .once('close', () => process.exit())
}

const written = (stream: NodeJS.WriteStream, bytes: Buffer): Promise<void> =>
  new Promise((resolve) => {
    if (bytes.length === 0 || !stream.writable) resolve()
    else stream.write(bytes, () => resolve())
  })

let isClosed = false
const output: Output = {
  write: (bytes) => written(process.stdout, bytes),
  complain: (bytes) => written(process.stderr, bytes),
  end() {
    isClosed = true
    closeSync(1)
  },
  reset: () => process.kill(process.pid, 'SIGKILL'),
  isClosed: () => isClosed,
}
