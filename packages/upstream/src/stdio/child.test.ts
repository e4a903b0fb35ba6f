import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'

const built = fileURLToPath(new URL('../../dist/stdio/child.js', import.meta.url))

it('a process that ends at once takes along what it has started, however stubborn', async () => {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  // It holds a line to this test for as long as it lives: pids may be zombies, sockets may not.
  const stubborn = `
    process.on('SIGTERM', () => {})
    setInterval(() => {}, 1000)
    require('node:net').connect(${port}, '127.0.0.1', () => console.log('here'))`
  const script = `
    import(${JSON.stringify(built)}).then(({ spawnChild }) => {
      const args = ['-e', ${JSON.stringify(stubborn)}]
      const child = spawnChild({ command: process.execPath, args, env: {} }, process.env)
      child.stdout.once('data', () => process.exit(3))
    })`
  const connected = once(server, 'connection')
  const parent = spawn(process.execPath, ['-e', script], { stdio: 'ignore' })
  const [line] = (await connected) as [Socket]
  line.on('error', () => undefined).resume()
  const gone = once(line, 'close')
  expect(await once(parent, 'exit')).toEqual([3, null])
  await gone
})
