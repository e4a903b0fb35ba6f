import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Children } from './children.js'

/** StubBackend is the running stub: what every row's calls end at. */
export interface StubBackend {
  readonly pid: number
  readonly port: number
  /** How many calls of its tools it has answered so far. */
  calls(): Promise<number>
}

/** startStub starts the stub backend on a free port. */
export const startStub = async (children: Children): Promise<StubBackend> => {
  const child = children.start({
    name: 'stub',
    command: process.execPath,
    args: [fileURLToPath(new URL('stub.js', import.meta.url))],
    ipc: true,
  })
  let port = 0
  child.process.once('message', (told: { port: number }) => (port = told.port))
  await child.ready(() => Promise.resolve(port > 0))
  return {
    pid: child.pid,
    port,
    calls: async () => {
      await child.assertRunning()
      child.process.send({})
      const [answer] = (await once(child.process, 'message')) as [{ calls: number }]
      return answer.calls
    },
  }
}
