import type { Socket } from 'node:net'
import type { Output } from './act.js'

/** outputOf writes to a connection as fast as it is read. */
export const outputOf = (socket: Socket): Output => ({
  write: (bytes) =>
    new Promise((resolve) => {
      if (bytes.length === 0 || socket.destroyed || socket.writableEnded) {
        resolve()
        return
      }
      socket.once('close', resolve)
      socket.write(bytes, () => {
        socket.off('close', resolve)
        resolve()
      })
    }),
  complain: () => Promise.resolve(),
  end: () => void socket.end(),
  reset() {
    // A connection under TLS has no reset of its own.
    if ('encrypted' in socket) socket.destroy()
    else socket.resetAndDestroy()
  },
  isClosed: () => socket.destroyed,
})
