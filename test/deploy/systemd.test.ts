import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { freePorts } from '@mcp-router/testkit/process'
import { runProgram, startProgram } from './recipe/program.js'
import { expectCalmRoll, signalled } from './recipe/roll.js'
import { secrets, useStage } from './recipe/stage.js'
import { itWith, root } from './recipe/tools.js'
import { assignments, readUnit } from './recipe/unit-file.js'
import { expectTimeToDrain, expectVariables } from './recipe/variables.js'

const folder = join(root, 'deploy/systemd')
const text = (name: string): string => readFileSync(join(folder, name), 'utf8')
const unitAt = (port: number) => readUnit(text('mcp-router@.service'), String(port))
const shared = assignments(text('mcp-router.env').split('\n'))

const stage = useStage()
let first: number
beforeAll(async () => {
  first = await freePorts(2)
})

itWith(['systemd-analyze'], 'the units are right, and closed', async () => {
  const units = ['mcp-router@.service', 'mcp-router.target'].map((name) => join(folder, name))
  expect(await runProgram('systemd-analyze', ['verify', ...units])).toBe('')
  await runProgram('systemd-analyze', [
    ...['security', '--offline=yes', '--threshold=20', units[0]!],
  ])
})

it('the variables of the unit and of its files are variables of the router', () => {
  const secretFiles = readUnit(text('mcp-router@.service.d/secrets.conf'), '8051')
  expectVariables({
    ...shared,
    ...assignments(unitAt(8051).all('Service', 'Environment')),
    ...assignments(secretFiles.all('Service', 'Environment')),
  })
})

it('systemd waits for the drain, and signals the instance alone', () => {
  const unit = unitAt(8051)
  expectTimeToDrain(Number(unit.one('Service', 'TimeoutStopSec')), shared)
  expect(unit.one('Service', 'KillMode')).toBe('mixed')
})

it('restarts of one unit after the other cost no call', async () => {
  const addresses = [first, first + 1].map((port) => `127.0.0.1:${port}`)
  const ofThisTest = {
    REDIS_URL: stage().redisUrl,
    MCP_SERVERS_FILE: stage().serversFile,
    PROXY_SECRET: secrets.proxySecret,
  }
  const begin = (n: number, key: 'ExecStart' | 'ExecStartPost') => {
    const unit = unitAt(first + n)
    const [, ...args] = unit.one('Service', key).split(' ')
    const own = assignments(unit.all('Service', 'Environment'))
    const env = { ...own, ...shared, ...ofThisTest, HOME: stage().folder }
    return startProgram(process.execPath, args, { env, cwd: root })
  }
  await expectCalmRoll({
    addresses,
    async start(n) {
      const instance = stage().keep(begin(n, 'ExecStart'))
      const post = stage().keep(begin(n, 'ExecStartPost'))
      expect(await post.ended, instance.output()).toBe(0)
      return instance
    },
    stop(instance) {
      const unit = unitAt(first)
      const signal = unit.one('Service', 'KillSignal') as NodeJS.Signals
      return signalled(instance, signal, Number(unit.one('Service', 'TimeoutStopSec')))
    },
  })
})
