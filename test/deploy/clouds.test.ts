import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { lastOf } from './recipe/dockerfile.js'
import { runProgram } from './recipe/program.js'
import { findTool, itWith, root } from './recipe/tools.js'
import { assignments } from './recipe/unit-file.js'
import { expectTimeToDrain, expectVariables } from './recipe/variables.js'

// No account of a cloud is here: the files are read, and held to the router and to the image. Their schemas are not to be had offline.

/** Recipe is what the tests compare of the file of a cloud. */
interface Recipe {
  readonly env: Readonly<Record<string, string>>
  /** Between SIGTERM and SIGKILL. */
  readonly stopS: number
  readonly port: number
  readonly probes: readonly string[]
  readonly instances: number
}

const folder = join(root, 'deploy')
const text = (path: string): string => readFileSync(join(folder, path), 'utf8')
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each platform has a shape of its own
const yaml = (path: string): any => parse(text(path))

interface Named {
  readonly name?: string
  readonly key?: string
  readonly value?: string
}

/** Those with a value; what refers to a secret of the platform, or to a name that it knows, has a stand-in. */
const valuesOf = (list: readonly Named[]): Record<string, string> =>
  Object.fromEntries(
    list.map(({ name, key, value }) => {
      const variable = name ?? key ?? ''
      if (variable === 'REDIS_URL') return [variable, 'redis://10.0.0.3:6379']
      const isKnown = value !== undefined && value !== 'CHANGE_ME' && !value.includes('${')
      return [variable, isKnown ? value : 'a-value-of-the-platform']
    }),
  )

const recipes: Readonly<Record<string, () => Promise<Recipe> | Recipe>> = {
  railway: () => {
    const { deploy } = JSON.parse(text('railway/railway.json'))
    const env = assignments(text('railway/variables.env').split('\n'))
    return {
      env,
      stopS: deploy.drainingSeconds,
      port: Number(env['PORT']),
      probes: [deploy.healthcheckPath],
      instances: deploy.numReplicas,
    }
  },
  'cloud-run': () => {
    const { metadata, spec } = yaml('cloud-run/service.yaml').spec.template
    const [container] = spec.containers
    return {
      env: valuesOf(container.env),
      // The platform gives no more.
      stopS: 10,
      port: container.ports[0].containerPort,
      probes: [container.startupProbe.httpGet.path, container.livenessProbe.httpGet.path],
      instances: Number(metadata.annotations['autoscaling.knative.dev/maxScale']),
    }
  },
  ecs: () => {
    const [container] = JSON.parse(text('ecs/task-definition.json')).containerDefinitions
    return {
      env: valuesOf([
        ...container.environment,
        ...container.secrets.map(({ name }: Named) => ({ name })),
      ]),
      stopS: container.stopTimeout,
      port: container.portMappings[0].containerPort,
      probes: ['/ready', container.healthCheck.command.at(-1)],
      instances: 3,
    }
  },
  fly: async () => {
    const script = 'import json, sys, tomllib; print(json.dumps(tomllib.loads(sys.argv[1])))'
    const app = JSON.parse(
      await runProgram(findTool('python3')!, ['-c', script, text('fly/fly.toml')]),
    )
    return {
      env: app.env,
      stopS: app.kill_timeout,
      port: app.http_service.internal_port,
      probes: app.http_service.checks.map(({ path }: { path: string }) => path),
      instances: app.http_service.min_machines_running,
    }
  },
  render: () => {
    const [service] = yaml('render/render.yaml').services
    return {
      env: valuesOf(service.envVars),
      stopS: service.maxShutdownDelaySeconds,
      port: 8051,
      probes: [service.healthCheckPath],
      instances: service.numInstances,
    }
  },
  digitalocean: () => {
    const [service] = yaml('digitalocean/app.yaml').services
    return {
      env: valuesOf(service.envs),
      stopS: service.termination.grace_period_seconds,
      port: service.http_port,
      probes: [service.health_check.http_path],
      instances: service.instance_count,
    }
  },
}

for (const [name, read] of Object.entries(recipes))
  itWith(name === 'fly' ? ['python3'] : [], `${name} fits the router and the image`, async () => {
    const { env, stopS, port, probes, instances } = await read()
    expectVariables(env)
    expectTimeToDrain(stopS, env)
    expect(port).toBe(Number(env['PORT'] ?? lastOf('EXPOSE')))
    expect(probes.length).toBeGreaterThan(0)
    expect(probes.filter((path) => path !== '/ready' && path !== '/health')).toEqual([])
    // Who listens at every address tells the others none that leads to it.
    expect(env['HOST'] === '0.0.0.0' ? instances : 1).toBe(1)
  })

it.each([
  ['railway', 'deploy/docker/Dockerfile', root],
  ['fly', '../docker/Dockerfile', join(folder, 'fly')],
  ['render', './deploy/docker/Dockerfile', root],
])('%s builds a Dockerfile that is there', (name, path, from) => {
  const files = readdirSync(join(folder, name)).map((file) => text(join(name, file)))
  expect(files.some((each) => each.includes(path))).toBe(true)
  expect(existsSync(join(from, path))).toBe(true)
})

it('the health check of ECS is that of the image', () => {
  const [container] = JSON.parse(text('ecs/task-definition.json')).containerDefinitions
  const [, ...command] = container.healthCheck.command
  expect(lastOf('HEALTHCHECK')).toContain(JSON.stringify(command).replaceAll('","', '", "'))
  expect(dirname(command[0])).toBe('/opt/mcp-router/deploy/docker')
})
