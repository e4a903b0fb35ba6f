import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dockerStages, isSent, lastOf } from './recipe/dockerfile.js'
import { root } from './recipe/tools.js'
import { expectVariables } from './recipe/variables.js'

const tracked = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
}).stdout.split('\n')

const copied = dockerStages.flatMap(({ instructions }) =>
  instructions
    .filter(({ name, rest }) => name === 'COPY' && !rest.startsWith('--from='))
    .flatMap(({ rest }) => rest.split(' ').slice(0, -1)),
)

describe('the Dockerfile', () => {
  it.each(copied)('copies %s, which is there and sent to the builder', (source) => {
    const files = tracked.filter((path) => path === source || path.startsWith(`${source}/`))
    expect(files.filter(isSent).length).toBeGreaterThan(0)
  })

  it('copies only from stages that there are', () => {
    const names = dockerStages.flatMap(({ from }) => / AS (\w+)$/.exec(from)?.[1] ?? [])
    const used = dockerStages.flatMap(({ instructions }) =>
      instructions.flatMap(({ rest }) => /^--from=(\w+) /.exec(rest)?.[1] ?? []),
    )
    expect(used.length).toBeGreaterThan(1)
    expect(used.filter((name) => !names.includes(name))).toEqual([])
  })

  it('has a Node that the project takes', () => {
    const text = readFileSync(join(root, 'deploy/docker/Dockerfile'), 'utf8')
    const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      engines: { node: string }
    }
    const version = Number(/^ARG NODE_VERSION=(\d+)$/m.exec(text)?.[1])
    expect(version).toBeGreaterThanOrEqual(Number(engines.node.replace('>=', '')))
  })

  it('leaves compilers, sources and package managers of the build behind', () => {
    const { from, instructions } = dockerStages.at(-1)!
    expect(from).toMatch(/^node:\$\{NODE_VERSION\}-\$\{DEBIAN\}-slim$/)
    const installed = instructions.filter(({ name }) => name === 'RUN').map(({ rest }) => rest)
    expect(installed.join(' ')).not.toMatch(/\b(gcc|g\+\+|make|build-essential|python3-dev|pnpm)\b/)
  })

  it('runs as a user by number, behind an init, and asks itself whether it is alive', () => {
    expect(lastOf('USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/)
    const [init, , entrypoint] = JSON.parse(lastOf('ENTRYPOINT')) as readonly string[]
    expect(init).toBe('/usr/bin/tini')
    const inImage = (path: string | undefined): string =>
      path?.replace('/opt/mcp-router/', '') ?? ''
    expect(existsSync(join(root, inImage(entrypoint)))).toBe(true)
    const asked = JSON.parse(
      /CMD (\[.*\])$/.exec(lastOf('HEALTHCHECK'))?.[1] ?? '',
    ) as readonly string[]
    expect(asked[0]).toBe(entrypoint)
    expect(existsSync(join(root, asked[2]!))).toBe(true)
    const [, ...env] = lastOf('ENV').split(/(?:^| )(?=[A-Z_]+=)/)
    expectVariables(
      Object.fromEntries(
        [lastOf('ENV').split(' '), env].flat().map((each) => each.split('=') as [string, string]),
      ),
    )
  })
})

describe('.dockerignore', () => {
  it('keeps secrets, tests and history from the builder', () => {
    const hidden = [
      '.git/config',
      '.env',
      '.run/proxy-secret',
      'deploy/compose/secrets/access-token',
    ]
    expect(
      [...hidden, 'packages/config/src/load.test.ts', 'test/harness/cluster.ts'].filter(isSent),
    ).toEqual([])
  })

  it('sends each source of the packages that run', () => {
    const sources = tracked.filter((path) =>
      /^packages\/(?!testkit)[\w-]+\/src\/.*\.(ts|lua)$/.test(path),
    )
    const wanted = sources.filter((path) => !/\.(test|contract|fixture)\.ts$/.test(path))
    expect(wanted.length).toBeGreaterThan(100)
    expect(wanted.filter((path) => !isSent(path))).toEqual([])
  })
})
