import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { inherited, isAlive, treeOf, type Process } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { afterEach, describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('../../scripts/dev.sh', import.meta.url))

let child: ChildProcess
let text = ''
let seen: readonly Process[] = []

/** In a process group of its own, as a terminal gives one to what it runs. */
const dev = (...args: readonly string[]): void => {
  text = ''
  child = spawn(script, args, { env: inherited(), stdio: 'pipe', detached: true })
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (bytes: Buffer) => (text += bytes.toString()))
}

const said = (what: RegExp): Promise<true> => until(String(what), () => what.test(text), 60_000)

/** Remembers all processes that there are now, so that none can be left over unseen. */
const look = (): readonly Process[] => (seen = treeOf([child.pid!]))

afterEach(() => {
  for (const each of seen.filter(isAlive)) process.kill(each.pid, 'SIGKILL')
})

describe('npm run dev', { timeout: 120_000 }, () => {
  const compiles = /Watching for file changes/
  const serves = /"message":"ready"/

  it.each([
    ['Ctrl-C, which reaches the whole group', 'SIGINT', -1],
    ['SIGTERM to the script alone', 'SIGTERM', 1],
  ] as const)('leaves nothing behind after %s', async (_, signal, sign) => {
    dev('--port', '0')
    await said(compiles)
    await said(serves)
    const commands = look().map(({ command }) => command)
    expect(commands.filter((command) => / serve /.test(command))).toHaveLength(2)
    const exit = once(child, 'exit')
    process.kill(sign * child.pid!, signal)
    await exit
    expect(seen.filter(isAlive)).toEqual([])
  })

  it('ends at once with an option that serve does not know', async () => {
    dev('--bogus')
    expect(await once(child, 'close')).toEqual([1, null])
    expect(text).toContain('unknown option "--bogus"')
  })

  it('leaves nothing behind when the instance has not started', async () => {
    dev('--port', 'http')
    await said(/--port: "http" is not a whole number/)
    await said(compiles)
    look()
    const exit = once(child, 'exit')
    process.kill(-child.pid!, 'SIGINT')
    await exit
    expect(seen.filter(isAlive)).toEqual([])
  })
})
