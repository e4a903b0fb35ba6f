import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServersFile } from '@mcp-router/config'
import { createRegistry } from '@mcp-router/store'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { fileProvider } from './file-provider.js'

const servers = (...names: string[]): string =>
  [
    'servers:',
    ...names.map((name) => `  ${name}: { url: "http://127.0.0.1:1/\${PATH_OF_IT}" }`),
  ].join('\n')

const open = (strict = false) => {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-control-'))
  const path = join(folder, 'mcp-servers.yaml')
  writeFileSync(path, servers('weather'))
  const registry = createRegistry()
  const onChange = vi.fn<(file: ServersFile) => void>()
  const onError = vi.fn<(error: Error) => void>()
  const env = { PATH_OF_IT: 'mcp' }
  const provider = fileProvider({ path, env, registry, strict, onChange, onError })
  onTestFinished(() => {
    provider.close()
    rmSync(folder, { recursive: true })
  })
  const names = () => [...registry.snapshot().backends.keys()]
  return { folder, path, registry, provider, onChange, onError, names }
}

afterEach(() => vi.useRealTimers())

describe('the servers file', () => {
  it('is published when it changes', async () => {
    const { path, registry, onChange, names } = open()
    writeFileSync(path, servers('weather', 'notes'))
    await expect.poll(names).toEqual(['weather', 'notes'])
    expect(onChange.mock.calls[0]?.[0].backends).toHaveLength(2)
    const [weather] = registry.snapshot().backends.values()
    expect(weather?.endpoints[0]).toMatchObject({ url: 'http://127.0.0.1:1/mcp' })
  })

  it.each(['servers: {}', '{"mcpServers":{}}', 'servers:', ''])(
    'that holds no server (%s) removes none',
    async (text) => {
      const { path, onError, names } = open()
      writeFileSync(path, servers('weather'))
      await expect.poll(names).toEqual(['weather'])
      writeFileSync(path, text)
      await expect.poll(() => onError.mock.calls.length).toBeGreaterThan(0)
      expect(names()).toEqual(['weather'])
    },
  )

  it('that became a pipe changes nothing and holds up nothing', async () => {
    const { path, onError, names } = open()
    rmSync(path)
    execFileSync('mkfifo', [path])
    const writer = spawn('sh', ['-c', 'sleep 2; echo x > "$0"', path], { stdio: 'ignore' })
    onTestFinished(() => void writer.kill('SIGKILL'))
    const pipe = 'it cannot be read: it is a pipe, and a regular file is needed'
    await expect.poll(() => onError.mock.calls[0]?.[0].message).toContain(pipe)
    writeFileSync(`${path}.new`, servers('weather', 'notes'))
    renameSync(`${path}.new`, path)
    await expect.poll(names).toEqual(['weather', 'notes'])
  })

  it('is published together with what is off', async () => {
    const { path, registry, names } = open()
    writeFileSync(path, `${servers('weather')}\n  notes: { disabled: true }`)
    await expect.poll(names).toEqual(['weather'])
    expect(registry.snapshot().disabled).toEqual(['notes'])
  })

  it('is published when it is replaced, again and again', async () => {
    const { folder, path, names } = open()
    for (const name of ['a', 'b']) {
      const written = join(folder, 'new.tmp')
      writeFileSync(written, servers(name))
      renameSync(written, path)
      await expect.poll(names).toEqual([name])
    }
  })

  it('that is written in several steps is read once, when it is whole', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { folder, path, onChange, onError, names } = open()
    const watcher = watch(folder)
    onTestFinished(() => watcher.close())
    for (const text of ['', 'servers: {', servers('notes')]) {
      const noticed = once(watcher, 'change')
      writeFileSync(path, text)
      await noticed
      vi.advanceTimersByTime(90)
    }
    await expect.poll(() => (vi.advanceTimersByTime(10), names())).toEqual(['notes'])
    expect([onChange.mock.calls.length, onError.mock.calls.length]).toEqual([1, 0])
  })

  it('with one bad server keeps that one as it was, and reads the others', async () => {
    const { path, registry, names, onError } = open()
    const wrong = '\n  notes: { ulr: x }\n  fresh: { url: "${NOT_SET}" }'
    writeFileSync(path, servers('weather', 'notes'))
    await expect.poll(names).toEqual(['weather', 'notes'])
    const before = registry.snapshot().backends.get('notes' as never)
    writeFileSync(path, servers('other') + wrong)
    await expect.poll(names).toEqual(['other', 'notes'])
    expect(registry.snapshot().backends.get('notes' as never)).toBe(before)
    const { problems } = registry.snapshot()
    expect([...problems.keys()]).toEqual(['notes', 'fresh'])
    expect(problems.get('notes')?.[0]).toMatch(/mcp-servers.yaml:3:.*did you mean "url"/)
    expect(problems.get('fresh')?.[0]).toMatch(/mcp-servers.yaml:4:.*NOT_SET is not set/)
    expect(onError).not.toHaveBeenCalled()
  })

  it.each([
    ['broken', false, 'servers: ['],
    ['wrong, where all must be right', true, 'servers: { weather: { ulr: "http://127.0.0.1:1" } }'],
  ])('that is %s changes nothing, and is told', async (_, strict, text) => {
    const { path, registry, onError, names } = open(strict)
    writeFileSync(path, servers('good'))
    await expect.poll(names).toEqual(['good'])
    const { revision } = registry.snapshot()
    writeFileSync(path, text)
    await expect.poll(() => onError.mock.calls.length).toBe(1)
    expect(onError.mock.calls[0]?.[0].message).toContain('mcp-servers.yaml')
    expect([registry.snapshot().revision, names()]).toEqual([revision, ['good']])
    writeFileSync(path, servers('mended'))
    await expect.poll(names).toEqual(['mended'])
  })

  it('that is away changes nothing until it is back', async () => {
    const { path, onError, names } = open()
    writeFileSync(path, servers('good'))
    await expect.poll(names).toEqual(['good'])
    rmSync(path)
    await expect.poll(() => onError.mock.calls.length).toBe(1)
    expect(names()).toEqual(['good'])
    writeFileSync(path, servers('back'))
    await expect.poll(names).toEqual(['back'])
  })

  it('is not read for the sake of other files', async () => {
    const { folder, path, onChange, names } = open()
    for (let n = 0; n < 20; n++) writeFileSync(join(folder, `other-${n}.yaml`), 'x')
    writeFileSync(path, servers('notes'))
    await expect.poll(names).toEqual(['notes'])
    expect(onChange).toHaveBeenCalledTimes(1)
  })

  it('is followed no more after close', async () => {
    const { path, provider, onChange } = open()
    writeFileSync(path, servers('notes'))
    provider.close()
    const other = open()
    writeFileSync(other.path, servers('notes'))
    await expect.poll(other.names).toEqual(['notes'])
    expect(onChange).not.toHaveBeenCalled()
  })
})
