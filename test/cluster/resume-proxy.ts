import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** ResumeProxy stands between a client and the cluster, and can break what is between them. */
export interface ResumeProxy {
  readonly url: string
  /** All that the client has sent so far. */
  asked(): string
  /** All that it was told so far. */
  told(): string
  /** Breaks every connection; new ones are taken. */
  cut(): void
}

/** openResumeProxy passes bytes to and from the address, on any free port, until the test is over. */
export const openResumeProxy = async (address: string): Promise<ResumeProxy> => {
  const { hostname, port } = new URL(address)
  const sockets = new Set<Socket>()
  const [asked, told]: [Buffer[], Buffer[]] = [[], []]

  const join = (from: Socket, to: Socket, passed: Buffer[]): void => {
    sockets.add(from)
    from.on('data', (chunk: Buffer) => {
      passed.push(chunk)
      to.write(chunk)
    })
    // Both ways end at once: what is cut is cut for either side.
    from.on('error', () => undefined)
    from.on('close', () => {
      sockets.delete(from)
      to.destroy()
    })
  }
  const server = createServer((client) => {
    const cluster = connect(Number(port), hostname)
    join(client, cluster, asked)
    join(cluster, client, told)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const cut = (): void => sockets.forEach((socket) => socket.destroy())
  onTestFinished(() => {
    server.close()
    cut()
  })
  // A server that listens on TCP has an AddressInfo.
  const own = (server.address() as AddressInfo).port
  return {
    url: `http://127.0.0.1:${own}`,
    asked: () => Buffer.concat(asked).toString(),
    told: () => Buffer.concat(told).toString(),
    cut,
  }
}
