import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { beforeAll, describe, expect, it } from 'vitest'
import { useCluster } from '../harness/use-cluster.js'

let port: number
beforeAll(async () => {
  port = await freePorts(1)
})
const cluster = useCluster(() => ({ env: { NODE_OPTIONS: `--inspect-port=${port}` } }))

const inspected = async (): Promise<boolean> =>
  (await fetch(`http://127.0.0.1:${port}/json/list`)).ok

const logsThatHave = (text: string): readonly string[] => {
  const folder = join(cluster().runDir, 'logs')
  return readdirSync(folder).filter((name) =>
    readFileSync(join(folder, name), 'utf8').includes(text),
  )
}

describe('SIGUSR1', () => {
  it('opens the inspector of the instance that gets it, on loopback, and the instance goes on', async () => {
    await expect(inspected()).rejects.toThrow()
    const second = cluster().instances[1]
    const name = `router-${new URL(second).port}`
    process.kill(cluster().pids().get(name)!, 'SIGUSR1')
    await until('the inspector', inspected)
    expect(logsThatHave('Debugger listening on ')).toEqual([`${name}.log`])
    expect(logsThatHave(`Debugger listening on ws://127.0.0.1:${port}/`)).toEqual([`${name}.log`])
    expect((await fetch(`${second}/ready`)).status).toBe(200)
  })
})
