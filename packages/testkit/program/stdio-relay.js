// @ts-check
// The command of a scripted stdio server: what its client writes goes to the test at this port, and the test says what it does.
// Each line of the test is an order: {"out": text}, {"err": text} or {"exit": code}.
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

const socket = connect(Number(process.argv[2]), '127.0.0.1')
process.stderr.write('started\n')
socket.write(`${process.pid}\n`)
process.stdin.pipe(socket)

createInterface({ input: socket }).on('line', (line) => {
  const order = JSON.parse(line)
  if (order.out !== undefined) process.stdout.write(order.out)
  if (order.err !== undefined) process.stderr.write(order.err)
  // Behind what is still on its way out.
  if (order.exit !== undefined)
    process.stderr.write('', () => process.stdout.write('', () => process.exit(order.exit)))
})
// The test is over.
socket.on('error', () => process.exit(0))
socket.on('close', () => process.exit(0))
