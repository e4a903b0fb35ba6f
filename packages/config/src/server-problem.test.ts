import { expect, it } from 'vitest'
import { serverProblemText } from './server-problem.js'

it.each([
  ['servers.yaml:3:5: unknown key "ulr"', 'servers.yaml:3:5: unknown key "ulr"'],
  ['servers.yaml:3:5: server "a": has no endpoint', 'servers.yaml:3:5: has no endpoint'],
])('names the server once (%s)', (problem, shown) => {
  expect(serverProblemText('a', 'is left out', problem)).toBe(`server "a" is left out: ${shown}`)
})
