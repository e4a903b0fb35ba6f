import { expect, it } from 'vitest'
import { runAsFrom } from './run-as.js'

const passwd =
  'root:x:0:0:root:/root:/bin/sh\nmcp:x:990:991:,,,:/srv/mcp:/usr/sbin/nologin\n# a:b\n'
const mcp = { name: 'mcp', uid: 990, gid: 991, home: '/srv/mcp' }

it.each(['mcp', '990'])('finds a user by name or number: %s', (user) => {
  expect(runAsFrom(user, passwd, 0)).toEqual({ runAs: mcp })
})

it('needs no rights to stay who it is', () => {
  expect(runAsFrom('mcp', passwd, 990)).toEqual({ runAs: mcp })
})

it.each([
  ['mcp', 1000, 'only root may run a command as "mcp"'],
  ['root', 1000, 'only root may run a command as "root"'],
  ['', 0, 'there is no user "" in /etc/passwd'],
  ['nobody-here', 0, 'there is no user "nobody-here" in /etc/passwd'],
])('refuses %s for uid %i', (user, uid, reason) => {
  expect(runAsFrom(user, passwd, uid)).toMatchObject({ reason })
})
