import { connect, type Socket } from 'node:net'

/** Streams are SSE streams held open by this process. */
export interface Streams {
  /** How many the other side has closed although it was not asked to. */
  dropped(): number
  close(): Promise<void>
}

const atOnce = 50
const openMs = 15_000

/** openStreams opens `count` SSE streams and resolves once each has had its `endpoint` event. */
export const openStreams = async (base: string, path: string, count: number): Promise<Streams> => {
  const sockets: Socket[] = []
  let dropped = 0
  let closing = false
  const one = async () => {
    const socket = await openStream(base, path)
    sockets.push(socket)
    socket.on('close', () => {
      if (!closing) dropped += 1
    })
  }
  const close = async () => {
    closing = true
    await Promise.all(sockets.map(closed))
  }
  try {
    for (let left = count; left > 0; left -= atOnce) {
      await Promise.all(Array.from({ length: Math.min(atOnce, left) }, one))
    }
  } catch (error) {
    await close()
    throw error
  }
  return { dropped: () => dropped, close }
}

const openStream = (base: string, path: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const { hostname, port, host } = new URL(base)
    const socket = connect(Number(port), hostname)
    const fail = (reason: string) => {
      socket.destroy()
      reject(new Error(`a stream at ${path} did not open: ${reason}`))
    }
    const late = setTimeout(() => fail('no endpoint event'), openMs)
    let text = ''
    const listen = (chunk: Buffer) => {
      text += chunk.toString()
      if (!text.startsWith('HTTP/1.1 200') && text.includes('\r\n\r\n')) fail(text.slice(0, 300))
      if (!/event: ?endpoint\n/.test(text)) return
      clearTimeout(late)
      socket.off('data', listen)
      socket.resume()
      resolve(socket)
    }
    socket.on('data', listen)
    socket.on('error', (error) => fail(error.message))
    socket.on('close', () => fail('closed'))
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: text/event-stream\r\n\r\n`)
  })

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.closed) {
      resolve()
      return
    }
    socket.once('close', () => resolve())
    socket.destroy()
  })
