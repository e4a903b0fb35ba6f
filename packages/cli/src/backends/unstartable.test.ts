import type { Backend } from '@mcp-router/core'
import { backendOf, nodeEndpoint } from '@mcp-router/testkit/backend'
import { expect, it } from 'vitest'
import { unstartable, unstartableLines } from './unstartable.js'

const running = (command: string) => ({ ...nodeEndpoint(''), command })

it('a server is named whose command does not exist', () => {
  const backends: readonly Backend[] = [
    backendOf('files', [running('no-such-command')]),
    backendOf('home', [running('~/bin/x')]),
    backendOf('fine', [running(process.execPath)]),
  ]
  expect(unstartableLines(backends, {})).toEqual([
    'server "files" cannot be started: there is no command "no-such-command" on the PATH; install it, or correct "command" in the servers file',
    'server "home" cannot be started: there is no command "~/bin/x"; "~" is not expanded: write ${HOME}',
  ])
})

it('a command is looked for as starting it would', () => {
  const own = { ...running('ls'), env: { PATH: '/usr/bin:/bin' } }
  const near = { ...running('bin/ls'), cwd: '/usr' }
  expect([own, near].map((each) => unstartable(each, { PATH: '' }))).toEqual([undefined, undefined])
})
