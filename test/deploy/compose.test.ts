import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { composeFile, composeFolder, serviceOf } from './recipe/compose-file.js'
import type { Service } from './recipe/compose-file.js'
import { runProgram } from './recipe/program.js'
import { findTool, itWith } from './recipe/tools.js'
import { expectTimeToDrain, expectVariables } from './recipe/variables.js'

const services = Object.entries(composeFile.services)

describe('compose.yaml', () => {
  itWith(['compose-config'], 'is read by docker compose as it is meant', async () => {
    const servicesOf = async (...profiles: readonly string[]): Promise<readonly string[]> => {
      const file = join(composeFolder, 'compose.yaml')
      const text = await runProgram(findTool('compose-config')!, [
        '-profiles',
        profiles.join(','),
        file,
      ])
      const project = JSON.parse(text) as { services: Record<string, Service> }
      return Object.keys(project.services).sort()
    }
    const usual = ['example', 'nginx', 'nginx-conf', 'redis', 'router']
    expect(await servicesOf()).toEqual(usual)
    expect(await servicesOf('dev')).toEqual([...usual, 'dev'].sort())
    expect(await servicesOf('tls')).toEqual([...usual, 'nginx-tls', 'nginx-tls-conf'].sort())
    expect(await servicesOf('monitoring')).toEqual([...usual, 'grafana', 'prometheus'].sort())
  })

  it('waits for the drain, and sets variables of the router', () => {
    const { environment = {}, stop_grace_period = '' } = serviceOf('router')
    expectVariables(environment)
    expectVariables(serviceOf('dev').environment ?? {})
    expect(stop_grace_period).toMatch(/^\d+s$/)
    expectTimeToDrain(Number.parseInt(stop_grace_period), environment)
  })

  it('publishes nothing beyond this machine, and mounts only what there is', () => {
    const published = services.flatMap(([, { ports = [] }]) => ports)
    expect(published.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
    const sources = services.flatMap(([, { volumes = [] }]) =>
      volumes.map((each) => each.split(':')[0]!),
    )
    const made = ['./tls', ...Object.keys(composeFile.volumes)]
    const missing = sources.filter(
      (each) => !made.includes(each) && !existsSync(join(composeFolder, each)),
    )
    expect(missing).toEqual([])
  })
})
