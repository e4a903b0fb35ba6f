import { connect, createServer } from 'node:net'

/** Below the ports that the system gives to outgoing connections, so that none of those takes one that was found free. */
const lowest = 15_000
const highest = 32_000
const attempts = 200

/** freePorts finds `count` consecutive ports on which nobody listens, and resolves with the first. */
export const freePorts = async (count: number): Promise<number> => {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const first = lowest + Math.floor(Math.random() * (highest - lowest - count))
    const all = Array.from({ length: count }, (_, n) => isFree(first + n))
    if ((await Promise.all(all)).every(Boolean)) return first
  }
  throw new Error(`no ${count} free ports in a row after ${attempts} attempts`)
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      probe.close(() => resolve(true))
    })
  })

/** isListening tells whether a port of this machine accepts connections. */
export const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
