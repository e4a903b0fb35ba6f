import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { readServers, type ServersFile } from '@mcp-router/config'
import { createRegistry } from '@mcp-router/store'
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { besideOf, fileProvider } from './file-provider.js'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
afterEach(() => vi.useRealTimers())

const serversWith = (envFile: string): string =>
  `servers: { weather: { url: "http://127.0.0.1:1/" }, files: { command: cat, envFile: ${envFile} } }`

const open = (envFile: string, strict = false) => {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-control-'))
  const path = join(folder, 'mcp-servers.yaml')
  writeFileSync(path, serversWith(envFile))
  const read = readServers(path, {})
  const registry = createRegistry()
  registry.publish(read.backends, besideOf(read))
  const onChange = vi.fn<(file: ServersFile) => void>()
  const onError = vi.fn<(error: Error) => void>()
  const { envFiles } = read
  const provider = fileProvider({ path, envFiles, env: {}, registry, strict, onChange, onError })
  onTestFinished(() => {
    provider.close()
    rmSync(folder, { recursive: true })
  })
  const env = () => {
    vi.advanceTimersByTime(1_000)
    const files = [...registry.snapshot().backends.values()].find(({ name }) => name === 'files')
    const [endpoint] = files?.endpoints ?? []
    return endpoint?.transport === 'stdio' ? endpoint.env : undefined
  }
  return {
    folder,
    path,
    provider,
    onChange,
    onError,
    env,
    at: (name: string) => join(folder, name),
  }
}

it('is read when it is created later, with its folder', async () => {
  const { at, env } = open('later/files.env')
  expect(env()).toBeUndefined()
  mkdirSync(dirname(at('later/files.env')))
  writeFileSync(at('later/files.env'), 'A=1')
  await expect.poll(env).toEqual({ A: '1' })
})

it('is read again when it changes, or the target of its link is replaced', async () => {
  const { at, env } = open('files.env')
  writeFileSync(at('one'), 'A=1')
  symlinkSync('one', at('files.env'))
  await expect.poll(env).toEqual({ A: '1' })
  writeFileSync(at('two'), 'A=2')
  renameSync(at('two'), at('one'))
  await expect.poll(env).toEqual({ A: '2' })
})

it('leaves its server as it was when it is removed', async () => {
  const { at, env, onChange } = open('files.env')
  writeFileSync(at('files.env'), 'A=1')
  await expect.poll(env).toEqual({ A: '1' })
  rmSync(at('files.env'))
  await expect.poll(() => (env(), onChange.mock.lastCall?.[0].invalid.length)).toBe(1)
  expect(env()).toEqual({ A: '1' })
})

it('is the one that the servers file names now', async () => {
  const { at, path, env, onChange } = open('old.env')
  writeFileSync(path, serversWith('new.env'))
  await expect.poll(() => onChange.mock.calls.length).toBe(1)
  writeFileSync(at('old.env'), 'A=old')
  writeFileSync(at('new.env'), 'A=new')
  await expect.poll(env).toEqual({ A: 'new' })
  expect(onChange).toHaveBeenCalledTimes(2)
})

it('mends a servers file that was refused as a whole for want of it', async () => {
  const { at, path, env, onError } = open('old.env', true)
  writeFileSync(path, serversWith('new.env'))
  await expect.poll(() => onError.mock.calls.length).toBe(1)
  writeFileSync(at('new.env'), 'A=1')
  await expect.poll(env).toEqual({ A: '1' })
})

it('is followed no more after close', () => {
  const { provider } = open('files.env')
  expect(vi.getTimerCount()).toBe(1)
  provider.close()
  expect(vi.getTimerCount()).toBe(0)
})
