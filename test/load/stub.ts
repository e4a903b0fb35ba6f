import { createServer, type Socket } from 'node:net'
import { stubAnswer } from './stub-answer.js'

// The stub backend, a process of its own: as little HTTP as clients with Content-Length need, on a raw socket, because a
// real HTTP server would cost as much as the proxies in front of it. It tells its parent the port, then, whenever
// it is asked, how many calls of its tools it has answered.

let calls = 0

const onConnection = (socket: Socket): void => {
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  let rest: Buffer | undefined
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest ? Buffer.concat([rest, chunk]) : chunk
    let answers = ''
    let at = 0
    for (;;) {
      const headEnd = bytes.indexOf('\r\n\r\n', at)
      if (headEnd < 0) break
      const head = bytes.toString('latin1', at, headEnd)
      const end = headEnd + 4 + lengthOf(head)
      if (bytes.length < end) break
      answers += answerTo(head, bytes.toString('utf8', headEnd + 4, end))
      at = end
    }
    rest = at < bytes.length ? bytes.subarray(at) : undefined
    if (answers) socket.write(answers)
  })
}

const answerTo = (head: string, body: string): string => {
  const [method = '', path = ''] = head.slice(0, head.indexOf('\r')).split(' ')
  if (body.includes('"tools/call"')) calls += 1
  try {
    return stubAnswer({ method, path, hasSession: /\r\nmcp-session-id:/i.test(head), body })
  } catch {
    return 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'
  }
}

const lengthOf = (head: string): number =>
  Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)

const listener = createServer(onConnection)
listener.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const address = listener.address()
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined })
})
process.on('message', () => process.send?.({ calls }))
process.on('disconnect', () => process.exit(0))
