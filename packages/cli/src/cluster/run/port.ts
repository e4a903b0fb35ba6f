import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { Listen } from './process.js'

// Who was killed may hold its port a moment longer than its pid.
const releaseMs = 1_000
const pollMs = 50

/** portProblem tells why nothing can listen there; undefined: the port is free. */
export const portProblem = async (listen: Listen): Promise<string | undefined> => {
  const end = Date.now() + releaseMs
  let problem = await tryPort(listen)
  while (problem !== undefined && Date.now() < end) {
    await wait(pollMs)
    problem = await tryPort(listen)
  }
  return problem
}

const tryPort = ({ host, port, variable }: Listen): Promise<string | undefined> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => {
      resolve(because(error, host, port, variable))
    })
    probe.listen({ host, port, exclusive: true }, () => {
      probe.close(() => resolve(undefined))
    })
  })

const because = (
  error: NodeJS.ErrnoException,
  host: string,
  port: number,
  variable: string,
): string => {
  if (error.code === 'EACCES')
    return `port ${port} needs rights that this user does not have; change ${variable}`
  if (error.code !== 'EADDRINUSE') return `cannot listen on ${host}:${port}: ${error.message}`
  const holder = holderOf(port)
  const by = holder === undefined ? 'another process' : `pid ${holder.pid} (${holder.command})`
  return `port ${port} is taken by ${by}; end it or change ${variable}`
}

interface Holder {
  readonly pid: number
  readonly command: string
}

/** holderOf finds who listens on a port, as far as /proc shows it to this user. */
export const holderOf = (port: number): Holder | undefined => {
  if (process.platform !== 'linux') return undefined
  const sockets = listening(port).map((inode) => `socket:[${inode}]`)
  if (sockets.length === 0) return undefined
  return entries('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => entries(`/proc/${pid}/fd`).some((fd) => sockets.includes(linkOf(pid, fd))))
    .map((pid) => ({ pid: Number(pid), command: text(`/proc/${pid}/comm`).trim() }))[0]
}

// Lines of /proc/net/tcp: number, local address:port in hex, remote, state (0A: listening), …; the
// tenth field is the inode.
const listening = (port: number): readonly string[] => {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return `${text('/proc/net/tcp')}\n${text('/proc/net/tcp6')}`
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(ending) === true && state === '0A')
    .flatMap((fields) => fields[9] ?? [])
}

const entries = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

const linkOf = (pid: string, fd: string): string => {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`)
  } catch {
    return ''
  }
}

const text = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
