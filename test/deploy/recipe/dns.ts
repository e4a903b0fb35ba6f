import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** Dns is a DNS server of a test: it knows one name, and answers every question for it with the addresses that it has now. */
export interface Dns {
  readonly port: number
  addresses: readonly string[]
  close(): Promise<void>
}

const typeA = 1
const headerBytes = 12

/** openDns listens on loopback, at any free port. */
export const openDns = async (): Promise<Dns> => {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const dns: Dns = {
    port: socket.address().port,
    addresses: [],
    close: () => new Promise((resolve) => void socket.close(() => resolve())),
  }
  socket.on('message', (question, from) => {
    // The name is a row of labels that ends in an empty one; type and class follow.
    const end = question.indexOf(0, headerBytes) + 5
    const asked = question.subarray(headerBytes, end)
    const known = asked.readUInt16BE(asked.length - 4) === typeA ? dns.addresses : []
    const header = Buffer.from(question.subarray(0, headerBytes))
    // A response, recursion available, no error; one question, so many answers.
    header.writeUInt16BE(0x8180, 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(known.length, 6)
    header.writeUInt32BE(0, 8)
    const answers = known.map((address) =>
      // A pointer to the name in the question, type A, class IN, one second to live, four bytes.
      Buffer.from([
        0xc0,
        headerBytes,
        0,
        1,
        0,
        1,
        0,
        0,
        0,
        1,
        0,
        4,
        ...address.split('.').map(Number),
      ]),
    )
    socket.send(Buffer.concat([header, asked, ...answers]), from.port, from.address)
  })
  return dns
}
