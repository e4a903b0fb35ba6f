import { errorCodes } from '@mcp-router/core'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { ask } from '../harness/http.js'
import { cli } from '../harness/paths.js'
import { freePorts } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { startLoad } from './recipe/load.js'
import { runProgram, startProgram } from './recipe/program.js'
import { secrets, useStage } from './recipe/stage.js'
import { itWith, root } from './recipe/tools.js'

const folder = join(root, 'deploy/monitoring')
const text = (name: string): string => readFileSync(join(folder, name), 'utf8')
const stage = useStage()

interface Dashboard {
  readonly panels: readonly {
    readonly title: string
    readonly targets: readonly { readonly expr: string }[]
  }[]
}
interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string }[]
  }[]
}

const panels = (JSON.parse(text('grafana/dashboards/mcp-router.json')) as Dashboard).panels
const shown = panels.flatMap(({ title, targets }) =>
  targets.map(({ expr }) => [title, expr] as const),
)
const alerts = (parse(text('alerts.yml')) as Rules).groups
  .flatMap(({ rules }) => rules)
  .map(({ alert, expr }) => [alert, expr] as const)

/** As Grafana fills them in, for a scrape each second. */
const filled = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '5s').replaceAll('$backend', '.*')

itWith(['promtool'], 'the alert rules are right, and fire when they should', async () => {
  await runProgram('promtool', ['check', 'rules', 'alerts.yml'], { cwd: folder })
  await runProgram('promtool', ['test', 'rules', 'alerts.test.yml'], { cwd: folder })
})

it('the alert rules name error codes that there are', () => {
  const named = alerts.flatMap(([, expr]) =>
    [...expr.matchAll(/outcome=~?"([^"]+)"/g)].flatMap(([, codes = '']) => codes.split('|')),
  )
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter((code) => !(errorCodes as readonly string[]).includes(code))).toEqual([])
})

itWith(
  ['prometheus'],
  'each expression of the dashboard and of the alerts has a value from loaded instances',
  async () => {
    const first = await freePorts(3)
    const instances = [0, 1].map((n) => `127.0.0.1:${first + n}`)
    const tokenFile = join(stage().folder, 'access-token')
    writeFileSync(tokenFile, secrets.accessToken)
    for (const n of [0, 1])
      stage().keep(
        startProgram(process.execPath, [cli, 'serve'], {
          env: {
            ...{ PORT: String(first + n), INSTANCE_ID: `router-${n + 1}` },
            ...{ REDIS_URL: stage().redisUrl, MCP_SERVERS_FILE: stage().serversFile },
            ACCESS_TOKEN_FILE: tokenFile,
          },
        }),
      )
    for (const each of instances)
      await until('the instance', async () => (await ask(`http://${each}/ready`)).status === 200)

    // The addresses are those of this test; the rest is what the recipe says, ten times as fast.
    const config = parse(text('prometheus.yml')) as Record<string, unknown>
    const [job] = config['scrape_configs'] as Record<string, unknown>[]
    const { dns_sd_configs: discovery, ...rest } = job!
    expect(discovery).toEqual([expect.objectContaining({ names: ['router'], port: 8051 })])
    const scrape = {
      ...rest,
      authorization: { credentials_file: tokenFile },
      static_configs: [{ targets: instances }],
    }
    const fast = {
      ...config,
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [join(folder, 'alerts.yml')],
      scrape_configs: [scrape],
    }
    const configFile = join(stage().folder, 'prometheus.yml')
    writeFileSync(configFile, stringify(fast))
    const base = `http://127.0.0.1:${first + 2}`
    const prometheus = stage().keep(
      startProgram('prometheus', [
        `--config.file=${configFile}`,
        `--storage.tsdb.path=${join(stage().folder, 'tsdb')}`,
        `--web.listen-address=127.0.0.1:${first + 2}`,
      ]),
    )
    const load = await startLoad(`http://${instances[0]}`, secrets.accessToken)
    const headers = { authorization: `Bearer ${secrets.accessToken}` }
    // An error, so that what counts them has something to say.
    const fail = () =>
      ask(`http://${instances[0]}/mcp/router/route/absent`, { method: 'POST', headers })
    const valuesOf = async (expr: string): Promise<number> => {
      const url = `${base}/api/v1/query?query=${encodeURIComponent(expr)}`
      const { status, text: said } = await ask(url)
      if (status !== 200) throw new Error(`${expr}: ${status} ${said}`)
      const { data } = JSON.parse(said) as { data: { result: unknown[] } }
      return data.result.length
    }
    for (const [title, expr] of shown)
      await until(
        `${title}: ${expr}\n${prometheus.output().slice(-500)}`,
        async () => {
          await fail()
          return (await valuesOf(filled(expr))) > 0
        },
        15_000,
      )
    // An alert has a value while something is wrong; what it compares has one always.
    for (const [alert, expr] of alerts) {
      const [left = ''] = expr.split(/ (?:[<>]|==) [\d.]+\s*$/)
      const whole = left
        .replaceAll(/outcome=~?"[^"]+"/g, 'outcome!=""')
        .replaceAll('[5m]', '[5s]')
        .replaceAll('[10m]', '[5s]')
      await until(`${alert}: ${whole}`, async () => (await fail(), (await valuesOf(whole)) > 0))
    }
    const rules = (await ask(`${base}/api/v1/rules`)).json().data.groups[0].rules
    expect(rules.map(({ name, health }: Record<string, string>) => [name, health])).toEqual(
      alerts.map(([name]) => [name, 'ok']),
    )
    await load.stop()
  },
)
