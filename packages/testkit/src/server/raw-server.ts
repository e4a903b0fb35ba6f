import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { vi } from 'vitest'
import { onTestFinished } from '../test/index.js'

export type Scheme = 'http' | 'https'

export interface RawServer {
  readonly origin: string
  /** The requests that came, as text, one for each read. */
  readonly asked: readonly string[]
  readonly sockets: ReadonlySet<Socket>
}

/** openRaw answers on a free port with bytes of the test's own, which no HTTP library would send. */
export const openRaw = async (
  scheme: Scheme,
  answer: (socket: Socket, asked: string, connection: number) => void,
): Promise<RawServer> => {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const serve = (socket: Socket): void => {
    sockets.add(socket)
    const connection = sockets.size
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      asked.push(chunk.toString('latin1'))
      answer(socket, chunk.toString('latin1'), connection)
    })
  }
  const server = scheme === 'http' ? createServer(serve) : createTlsServer({ key, cert }, serve)
  if (scheme === 'https') vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    vi.unstubAllEnvs()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    origin: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    sockets,
  }
}

/** Of 127.0.0.1, for these tests only, until 2126. */
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSJvxumrM53gElEl5
m7k1glos9HX6ce3H9jcuYxxHc6mhRANCAATCNFwNubj8ZxEBKTx2zDDrrwiX0z4S
dhRpVhQddvNXdzhsjfekFI8/nhjcAKczcoKjahISkmVm+D2M9ThL5VB1
-----END PRIVATE KEY-----`
const cert = `-----BEGIN CERTIFICATE-----
MIIBkDCCATagAwIBAgIUCTB0iBPFqf39XYI6L8VzcSWvMR0wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyOTAyMDIxNFoYDzIxMjYxMTA1
MDIwMjE0WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATCNFwNubj8ZxEBKTx2zDDrrwiX0z4SdhRpVhQddvNXdzhsjfekFI8/
nhjcAKczcoKjahISkmVm+D2M9ThL5VB1o2QwYjAdBgNVHQ4EFgQUmJK5CR0AGCFw
ArFzHWmZFQRptRgwHwYDVR0jBBgwFoAUmJK5CR0AGCFwArFzHWmZFQRptRgwDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0gAMEUC
IQDthbMbJ341ifG/U8JaiqAAfPDrNqUj2dzEHpgJ1UrT2QIgUNh0FOvlWC3bOLEu
k4BTVJJspUdSCl2V/uztQ0P/zso=
-----END CERTIFICATE-----`
