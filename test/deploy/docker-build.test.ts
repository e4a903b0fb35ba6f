import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { ask, post } from '../harness/http.js'
import { freePorts } from '@mcp-router/testkit/process'
import { inherited } from '@mcp-router/testkit/process'
import { textOf, toolCall } from '../harness/rpc.js'
import { until } from '@mcp-router/testkit/wait'
import { dockerStages, isSent, lastOf } from './recipe/dockerfile.js'
import { runProgram, startProgram } from './recipe/program.js'
import { useStage } from './recipe/stage.js'
import { findTool, root } from './recipe/tools.js'

const stage = useStage()

/** The Node of the image, as npm has it for this machine. */
const node = (): string =>
  createRequire(import.meta.url).resolve(`node-linux-${process.arch}/bin/node`)

const tracked = (): readonly string[] =>
  spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
    .stdout.split('\n')
    .filter((path) => path !== '' && existsSync(join(root, path)))

/** build does in a folder what the stages of these names do in the image. */
const build = async (folder: string, tools: string, names: readonly string[]): Promise<void> => {
  const env: Record<string, string> = { ...inherited(), CI: 'true' }
  const local = (text: string): string => text.replaceAll('/opt/pnpm', tools)
  for (const { from, instructions } of dockerStages) {
    if (!names.some((name) => from.endsWith(` AS ${name}`))) continue
    for (const { name, rest } of instructions) {
      if (name === 'COPY') {
        const sources = rest.split(' ').slice(0, -1)
        const wanted = tracked().filter((path) =>
          sources.some((source) => path === source || path.startsWith(`${source}/`)),
        )
        for (const path of wanted.filter(isSent)) {
          mkdirSync(join(folder, dirname(path)), { recursive: true })
          cpSync(join(root, path), join(folder, path))
        }
      }
      const [, variable, value] = /^(\w+)=(.*)$/.exec(rest) ?? []
      if (name === 'ENV' && variable !== undefined && value !== undefined)
        env[variable] = local(value).replace('$PATH', env['PATH']!)
      if (name === 'RUN') await runProgram('sh', ['-euc', local(rest)], { cwd: folder, env })
    }
  }
}

// It installs and compiles for most of a minute, so only who asks for it has it run: MCP_TEST_BUILD=1.
it.runIf(process.env['MCP_TEST_BUILD'] === '1')(
  'the build commands make a folder that serves, with no source and no compiler in it',
  async () => {
    const folder = join(stage().folder, 'image')
    const tools = join(stage().folder, 'tools')
    mkdirSync(folder)
    await build(folder, tools, ['build', 'production'])
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    expect(files.filter((path) => /^packages\/\w+\/(src|tsconfig)/.test(path))).toEqual([])
    expect(
      files.filter((path) => /node_modules\/(typescript|vitest|esbuild|eslint)$/.test(path)),
    ).toEqual([])
    for (const path of ['deploy/probe.mjs', 'deploy/docker/entrypoint.sh']) {
      mkdirSync(join(folder, dirname(path)), { recursive: true })
      cpSync(join(root, path), join(folder, path))
    }
    const first = await freePorts(2)
    const serversFile = join(stage().folder, 'image.yaml')
    writeFileSync(serversFile, `servers: { example: { url: "http://127.0.0.1:${first + 1}/mcp" } }`)
    const env = {
      PATH: `${dirname(node())}:${inherited()['PATH']}`,
      PORT: String(first),
      HOST: '127.0.0.1',
    }
    const command = JSON.parse(lastOf('CMD')) as readonly string[]
    const init = findTool('tini')
    const entrypoint = [
      ...(init === undefined ? [] : [init, '-s', '--']),
      join(folder, 'deploy/docker/entrypoint.sh'),
    ]
    const [start = '', ...args] = [...entrypoint, ...command]
    const instance = stage().keep(
      startProgram(start, args, { cwd: folder, env: { ...env, MCP_SERVERS_FILE: serversFile } }),
    )
    stage().keep(
      startProgram(node(), ['packages/example-server/dist/main.js', '--port', String(first + 1)], {
        cwd: folder,
      }),
    )
    const url = `http://127.0.0.1:${first}`
    await until(
      `it to serve: ${instance.output()}`,
      async () => (await ask(`${url}/ready`)).status === 200,
      20_000,
    )
    const answer = await post(`${url}/mcp/router/route/example`, toolCall(1, 'add', { a: 1, b: 2 }))
    expect(textOf(answer.text)).toBe('1 + 2 = 3')
    await instance.stop()
    expect(await instance.ended).toBe(0)
  },
  240_000,
)
