import { createServer, type AddressInfo, type Server } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { holderOf, portProblem } from './port.js'

let server: Server
let port: number

beforeEach(async () => {
  server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterEach(() => void server.close())

describe('a port', () => {
  it('that is taken is told with the variable that changes it', async () => {
    const listen = { host: '127.0.0.1', port, variable: 'GATEWAY_PORT' }
    const problem = await portProblem(listen)
    expect(problem).toMatch(
      new RegExp(`^port ${port} is taken by .*; end it or change GATEWAY_PORT$`),
    )
  })

  it.runIf(process.platform === 'linux')('that is taken is told with its holder', async () => {
    expect(holderOf(port)).toMatchObject({ pid: process.pid })
    const listen = { host: '127.0.0.1', port, variable: 'GATEWAY_PORT' }
    expect(await portProblem(listen)).toContain(`pid ${process.pid} (`)
  })

  it('that is free has no problem', async () => {
    await new Promise((resolve) => server.close(resolve))
    expect(await portProblem({ host: '127.0.0.1', port, variable: 'X' })).toBeUndefined()
  })

  it('cannot be listened on at an address of another machine', async () => {
    const listen = { host: '192.0.2.1', port, variable: 'X' }
    expect(await portProblem(listen)).toContain('cannot listen on 192.0.2.1')
  })
})
