import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { freePorts } from '@mcp-router/testkit/process'
import { inherited } from '@mcp-router/testkit/process'
import { runProgram, startProgram } from './recipe/program.js'
import { signalled } from './recipe/roll.js'
import { secrets, useStage } from './recipe/stage.js'
import { findTool, itWith, root } from './recipe/tools.js'
import { expectTimeToDrain, expectVariables } from './recipe/variables.js'

interface Job {
  readonly Label: string
  readonly ProgramArguments: readonly string[]
  readonly EnvironmentVariables: Readonly<Record<string, string>>
  readonly ExitTimeOut: number
}

const file = join(root, 'deploy/launchd/mcp-router.8051.plist')
const stage = useStage()

/** parse reads a property list as plutil does, by Python's own reader. */
const parse = async (text: string): Promise<Job> => {
  const script =
    'import json, plistlib, sys; print(json.dumps(plistlib.loads(sys.argv[1].encode())))'
  return JSON.parse(await runProgram(findTool('python3')!, ['-c', script, text])) as Job
}

itWith(
  ['python3'],
  'the property list waits for the drain and sets variables of the router',
  async () => {
    const job = await parse(readFileSync(file, 'utf8'))
    expectVariables(job.EnvironmentVariables)
    expectTimeToDrain(job.ExitTimeOut, job.EnvironmentVariables)
  },
)

itWith(
  ['python3'],
  'the job of another port starts, and drains when it is told to end',
  async () => {
    const port = await freePorts(1)
    const job = await parse(readFileSync(file, 'utf8').replaceAll('8051', String(port)))
    expect(job.Label).toBe(`mcp-router.${port}`)
    const [command = '', ...args] = job.ProgramArguments
    const env = {
      ...job.EnvironmentVariables,
      PATH: inherited()['PATH']!,
      PROXY_SECRET_FILE: '',
      REDIS_URL: stage().redisUrl,
      MCP_SERVERS_FILE: stage().serversFile,
      PROXY_SECRET: secrets.proxySecret,
    }
    const instance = stage().keep(startProgram(command, args, { env, cwd: root }))
    const probe = startProgram(
      process.execPath,
      [join(root, 'deploy/probe.mjs'), '/ready', '--wait'],
      { env },
    )
    expect(await stage().keep(probe).ended).toBe(0)
    await signalled(instance, 'SIGTERM', job.ExitTimeOut)
  },
)
