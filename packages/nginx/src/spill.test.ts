import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { openInstances, openSite } from '@mcp-router/testkit/nginx'
import { expect, it, onTestFinished } from 'vitest'

// The test folders are closed to other users, as a run directory is: started as root, Nginx must not run its workers as somebody else.
it('passes on a body whose framing is larger than its buffer, and which lies in a file so long', async () => {
  const [one] = await openInstances(1)
  const { port, runDir } = await openSite({ instances: [one!.address], maxBodyBytes: 65_536 })
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  const head = ['Host: localhost', 'Connection: close', 'Transfer-Encoding: chunked', '', '']
  socket.write(`POST /mcp/x HTTP/1.1\r\n${head.join('\r\n')}`)
  socket.write('1\r\nx\r\n'.repeat(400_000))
  socket.write('0\r\n\r\n')
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 /)
  expect(one!.arrived[0]?.body.length).toBe(400_000)
  const logged = await readFile(join(runDir, 'logs', 'nginx-error.log'), 'utf8')
  expect(logged).toContain('is buffered to a temporary file')
  expect(logged).not.toContain('[crit]')
})
