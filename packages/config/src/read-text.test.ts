import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { readEnvFile } from './read-env-file.js'
import { readText } from './read-text.js'
import { makeProxySecret, readProxySecret } from './proxy-secret.js'
import { withSecretFiles } from './process-env.js'
import { readServers } from './servers-file/read.js'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'read-text-'))))
afterEach(() => rmSync(folder, { recursive: true }))

/** A pipe; a reader that it holds up is let go after two seconds. */
const pipe = (name = 'pipe'): string => {
  const path = join(folder, name)
  execFileSync('mkfifo', [path])
  const writer = spawn('sh', ['-c', 'sleep 2; echo x > "$0"', path], { stdio: 'ignore' })
  onTestFinished(() => void writer.kill('SIGKILL'))
  return path
}

const saved = (content: string | Buffer): string => {
  writeFileSync(join(folder, 'file'), content)
  return join(folder, 'file')
}

describe('a pipe that nobody writes into', () => {
  it('holds up no reader', () => {
    expect(() => readText(pipe())).toThrow('it is a pipe, and a regular file is needed')
  })

  it('is told as the servers file', () => {
    const path = pipe()
    expect(() => readServers(path, {})).toThrow(
      `${path}: it cannot be read: it is a pipe, and a regular file is needed; correct that, or set MCP_SERVERS_FILE`,
    )
  })

  it('is told as an envFile, which leaves out its server alone', () => {
    const path = pipe('secrets.env')
    expect(readEnvFile(path)).toEqual({
      reason: 'envFile cannot be read: it is a pipe, and a regular file is needed',
      advice: 'correct it, or put the variables under env',
    })
    const servers = `servers: { a: { command: x, envFile: ${path} }, b: { url: http://b/ } }`
    const { backends, invalid } = readServers(saved(servers), {})
    expect([backends.map(({ name }) => name), invalid.map(({ name }) => name)]).toEqual([
      ['b'],
      ['a'],
    ])
  })

  it('is told as the file of a secret', () => {
    const path = pipe()
    expect(() => withSecretFiles({ ACCESS_TOKEN_FILE: path })).toThrow(
      `ACCESS_TOKEN_FILE: cannot read ${path} (it is a pipe, and a regular file is needed); correct`,
    )
  })

  it('is no secret of a run directory', () => {
    pipe('proxy-secret')
    expect(readProxySecret(folder)).toBeUndefined()
  })
})

it('takes no folder and no device for a file', () => {
  mkdirSync(join(folder, 'folder'))
  expect(() => readText(join(folder, 'folder'))).toThrow('it is a folder, and a regular file')
  expect(() => readText('/dev/zero')).toThrow('it is a device, and a regular file')
})

it('reads a file behind a link, as Kubernetes mounts secrets', () => {
  symlinkSync(saved('a'), join(folder, 'link'))
  expect(readText(join(folder, 'link'))).toBe('a')
})

it('reads no more than a person writes', () => {
  expect(() => readText(saved('a'.repeat(4 * 1024 * 1024 + 1)))).toThrow(
    'it is larger than 4194304 bytes',
  )
})

it('keeps the secret that it made', () => {
  expect(makeProxySecret(folder)).toBe(makeProxySecret(folder))
})

describe('text', () => {
  it.each(['utf16le', 'utf16le with its mark', 'latin1'])('in %s is refused', (encoding) => {
    const text = 'servers: { é: { url: http://a/ } }'
    const bytes = encoding === 'latin1' ? Buffer.from(text, 'latin1') : Buffer.from(text, 'utf16le')
    const mark = encoding.endsWith('mark') ? [0xff, 0xfe] : []
    const path = saved(Buffer.concat([Buffer.from(mark), bytes]))
    expect(() => readServers(path, {})).toThrow(
      `${path}: it cannot be read: it is not text in UTF-8`,
    )
  })

  it('may begin with the mark of UTF-8', () => {
    expect(readText(saved('\uFEFFservers: é'))).toBe('servers: é')
  })
})
