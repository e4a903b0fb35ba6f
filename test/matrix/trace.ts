import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Trace is a file in which a tool of the fixture writes what happens to it, whichever process it runs in. */
export interface Trace extends Disposable {
  readonly path: string
  lines(): readonly string[]
}

export const openTrace = (): Trace => {
  const folder = mkdtempSync(join(tmpdir(), 'trace-'))
  const path = join(folder, 'lines')
  writeFileSync(path, '')
  return {
    path,
    lines: () => readFileSync(path, 'utf8').split('\n').slice(0, -1),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
}
