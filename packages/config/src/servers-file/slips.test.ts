import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { readServers } from './read.js'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'servers-file-'))
  file = join(folder, 'servers.yaml')
})
afterEach(() => rmSync(folder, { recursive: true }))

const read = (text: string) => {
  writeFileSync(file, text)
  return readServers(file, {})
}

const blank = 'server "a": the command holds a blank, and there is no such file'
const args = 'put its arguments under "args"'

it.each([
  [
    'a whole command line',
    'command: npx -y @modelcontextprotocol/server-everything',
    `3:14: ${blank}; ${args}: command: npx, args: [-y, …]`,
  ],
  [
    'one whose first argument may be a secret',
    'command: run key=abc',
    `3:14: ${blank}; ${args}: command: run, args: […]`,
  ],
  ['a blank behind it', 'command: "npx "', `3:14: ${blank}; write command: npx`],
  [
    'nothing but blanks',
    'command: "   "',
    '3:14: servers.a.command: the command is empty; correct it or leave it out',
  ],
])('a command that is %s is a mistake of its server alone', (_, line, problem) => {
  const { backends, invalid } = read(`servers:\n  a:\n    ${line}\n  b: { url: http://b/ }`)
  expect(backends.map(({ name }) => name)).toEqual(['b'])
  expect(invalid).toEqual([{ name: 'a', problems: [`${file}:${problem}`] }])
})

it.each(['', 'cwd: tools of mine\n    '])('a command may be a file with a blank (%j)', (cwd) => {
  const tools = join(folder, 'tools of mine')
  mkdirSync(tools)
  writeFileSync(join(tools, 'my server'), '#!/bin/sh\n')
  chmodSync(join(tools, 'my server'), 0o755)
  const command = cwd === '' ? join(tools, 'my server') : './my server'
  expect(read(`servers:\n  a:\n    ${cwd}command: ${command}`).invalid).toEqual([])
})

it.each([
  [
    'a: http://127.0.0.1:1/mcp?key=k',
    '1:12: server "a" must be a map, not text; write a: { url: http://… }',
  ],
  ['a: npx', '1:12: server "a" must be a map, not text; give it a url or a command'],
  ['a: [npx]', '1:12: server "a" must be a map, not a list; give it a url or a command'],
  ['a: ""', '1:12: server "a" has no endpoint; give it a url or a command'],
  [
    'a: { endpoints: [{ url: http://a/ }, http://127.0.0.1:1/mcp] }',
    '1:49: server "a": endpoints[1] must be a map; write - { url: http://… }',
  ],
  [
    'a: { endpoints: [x] }',
    '1:29: server "a": endpoints[0] must be a map; give it a url or a command',
  ],
])('%s says what to write instead', (entry, problem) => {
  const { invalid } = read(`servers: { ${entry}, b: { url: http://b/ } }`)
  expect(invalid[0]?.problems).toEqual([`${file}:${problem}`])
})

it.each([
  ['name: x', 'ignored keys in FILE: a.name'],
  ['name: x', 'ignored keys in FILE: my a.name; "my a" is served as "my-a"', 'my a'],
  ['weight: 1', 'in FILE, "my a" is served as "my-a"', 'my a'],
])('what is beside the url, as %s, is told: %s', (key, unused, name = 'a') => {
  expect(read(`servers: { "${name}": { url: http://a/, ${key} } }`).unused).toBe(
    unused.replace('FILE', file),
  )
})

it.each([
  ['comand', 'command'],
  ['Url', 'url'],
  ['evn', 'env'],
  ['enviroment', 'env'],
  ['enviorment', 'env'],
  ['Environment', 'env'],
  ['environmentVariables', 'env'],
  ['arguments', 'args'],
  ['workingDirectory', 'cwd'],
  ['working_directory', 'cwd'],
  ['enable', 'enabled'],
  ['serverUrll', 'url'],
  ['autoApprov', undefined],
  ['startup', undefined],
  ['oauth_headers', undefined],
  ['env_vars', undefined],
  ['serverInstructions', undefined],
  ['startup_timeout_sec', undefined],
  ['requestOptions', undefined],
  ['constructor', undefined],
])('takes %s for a slip of %s', (key, meant) => {
  const entry = { command: 'x', [key]: 'y' }
  if (meant === 'command' || meant === 'url') delete (entry as { command?: string }).command
  const { invalid, unused } = read(JSON.stringify({ mcpServers: { a: entry } }))
  if (meant) expect(invalid[0]?.problems[0]).toContain(`did you mean "${meant}"?`)
  else expect(unused).toContain(`a.${key}`)
})

it.each(['token', 'bearerToken'])('takes a %s beside a url for a header', (key) => {
  const entry = { url: 'http://a/', [key]: 'y' }
  const { invalid } = read(JSON.stringify({ mcpServers: { a: entry } }))
  expect(invalid[0]?.problems[0]).toContain('did you mean "headers"?')
})

it.each([
  ['allowedTools: [a]', true],
  ['enabled_tools: [a]', true],
  ['tools: [a]', true],
  ['tools: ["*"]', false],
  ['available_tools: []', false],
  ['autoApprove: [a]', false],
  ['alwaysAllow: [a]', false],
])('warns that a restriction of tools is not enforced (%s: %s)', (key, isTold) => {
  const { unused, unenforced } = read(`servers: { a: { url: http://a/, ${key} } }`)
  const name = `a.${key.split(':')[0]}`
  const text = `NOT enforced in ${file}: ${name}; all tools of these servers are reachable`
  expect(unenforced).toBe(isTold ? text : undefined)
  expect(unused).toBe(isTold ? undefined : `ignored keys in ${file}: ${name}`)
})

it.each([
  ['url: http://b/', true],
  ['command: b', true],
  ['endpoints: []', true],
  ['note: b', false],
])('says of a key beside the servers that it looks like one (%s)', (entry, isServer) => {
  const { unused } = read(`servers: { a: { url: http://a/ } }\nb: { ${entry} }\n`)
  const advice = isServer ? ' (looks like a server; indent it below "servers")' : ''
  expect(unused).toBe(`ignored keys in ${file}: b${advice}`)
})

it('an input of VS Code that no variable has is named as the file has it', () => {
  const entry = 'headers: { x: "${input:my-key}" }'
  const { invalid } = read(`servers: { a: { url: http://a/, ${entry} } }`)
  expect(invalid[0]?.problems[0]).toContain(
    'the environment variable MY_KEY, which stands for the input "my-key", is not set; set it',
  )
})

it.each([
  ['${A:-', '${A'],
  ['http://a/${A', '${A'],
  ['http://a/${env:A/mcp?key=k', '${env:A'],
  ['${A:-${B}', '${A'],
  ['${workspaceFolder', '${workspaceFolder'],
])('a reference that is not closed (%s) is told as that', (url, shown) => {
  writeFileSync(file, JSON.stringify({ servers: { a: { url } } }))
  const place = `${file}:1:${25 + url.indexOf('$')}`
  expect(readServers(file, { A: 'http://set/', B: 'b' }).invalid[0]?.problems).toEqual([
    `${place}: the reference that begins with "${shown}" is not closed; add its "}", or write $\${ for a plain \${`,
  ])
})

it.each([
  ['servers:\n  ? [a, b]\n  : { url: http://a/ }', '2:5'],
  ['servers:\n  ? { a: b }\n  : { url: http://a/ }', '2:5'],
  ['servers:\n  {{name}}:\n    url: http://a/', '2:4'],
  ['x-n: &n [a]\nservers: { *n : { url: http://a/ } }', '2:12'],
  ['servers: { a: { url: http://a/, headers: { [x]: y } } }', '1:44'],
])('a name that is no text (%j) is told, and Node warns of nothing', (text, place) => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  onTestFinished(() => warned.mockRestore())
  expect(() => read(text)).toThrow(
    `${file}:${place}: expected a name, found a list or a map; write the name as text`,
  )
  expect(warned).not.toHaveBeenCalled()
})

it('a list of named servers is told how it becomes a map', () => {
  const advice = 'must be a map of servers; write each "- name: x" as "x:", with its other keys'
  expect(() => read('mcpServers:\n  - name: a\n    command: x')).toThrow(advice)
})
