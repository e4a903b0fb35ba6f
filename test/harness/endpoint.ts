import { openMortalProgram } from './mortal-program.js'
import type { MortalProgram } from './mortal-program.js'
import { fixtureScript } from './paths.js'

/** MortalEndpoint is the conformance fixture as such a program. */
export interface MortalEndpoint extends MortalProgram {
  readonly url: string
}

/** openMortalEndpoint starts the fixture in one of its ways of speaking Streamable HTTP, or as `sse`. */
export const openMortalEndpoint = async (kind: string): Promise<MortalEndpoint> => {
  const program = await openMortalProgram({
    name: `the fixture ${kind}`,
    args: (port) => [fixtureScript('conformance/main'), '--kind', kind, '--port', String(port)],
    listens: '"url"',
  })
  const url = `http://127.0.0.1:${program.port}/${kind === 'sse' ? 'sse' : 'mcp'}`
  return { ...program, url }
}
