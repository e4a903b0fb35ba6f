import { loadClusterConfig, type Env } from '@mcp-router/config'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { clusterOf } from '../cluster.js'
import { exportLine } from './export-line.js'
import { shellNeeds } from './shell-needs.js'

const needs = (env: Env): readonly string[] => shellNeeds(clusterOf(loadClusterConfig(env), env))

const servers = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'shell-needs-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'servers.yaml')
  const url = 'http://127.0.0.1:${EXAMPLE_PORT_1:-8071}/mcp'
  writeFileSync(file, `servers: { a: { url: "${url}", start: "true \${A_TOKEN:-}" } }`)
  return file
}

it('is nothing where all is at its default', () => {
  expect(needs({ MCP_SERVERS_FILE: resolve('mcp-servers.yaml'), MCP_RUN_DIR: '.run' })).toEqual([])
})

it('is a line to paste, with all that differs from the defaults', () => {
  const file = servers()
  const env = {
    ...{ MCP_RUN_DIR: '/tmp/my run', MCP_SERVERS_FILE: file, EXAMPLE_PORT_1: '22071' },
    ...{ ROUTER_BASE_PORT: '22051', GATEWAY_PORT: '8080', ROUTER_INSTANCES: '2' },
    ...{ ALLOWED_HOSTS: 'a.example,b.example', LOG_FILE: '/tmp/x.log', PORT: '1' },
  }
  expect(needs(env)).toEqual([
    'In another shell, start and restart need:',
    '',
    `  export MCP_SERVERS_FILE=${file} ALLOWED_HOSTS=a.example,b.example ROUTER_INSTANCES=2 ROUTER_BASE_PORT=22051 MCP_RUN_DIR='/tmp/my run' EXAMPLE_PORT_1=22071`,
  ])
})

it('has settings of Nginx and of the instances that are no secrets', () => {
  const env = { MCP_SERVERS_FILE: resolve('mcp-servers.yaml'), MCP_RUN_DIR: '.run' }
  const given = { MCP_AFFINITY: 'session', MCP_MAX_SESSIONS: '7', LOG_LEVEL: 'info' }
  expect(needs({ ...env, ...given }).slice(2)).toEqual([
    '  export MCP_MAX_SESSIONS=7 MCP_AFFINITY=session',
  ])
})

it('has the ports of servers that the cluster does not start, too', () => {
  const file = servers()
  writeFileSync(
    file,
    'servers: { a: { url: "http://127.0.0.1:${PORT_A:-1}/" }, b: { url: "http://127.0.0.1:${PORT_B:-2}/${HOME}" } }',
  )
  const env = { MCP_SERVERS_FILE: file, MCP_RUN_DIR: '.run', PORT_B: '22072', HOME: '/root' }
  expect(needs(env).slice(2)).toEqual([`  export MCP_SERVERS_FILE=${file} PORT_B=22072`])
})

it('names secrets and shows none', () => {
  const env = {
    ...{ MCP_SERVERS_FILE: servers(), A_TOKEN: 'hidden-1', ACCESS_TOKEN: 'hidden-2' },
    ...{ REDIS_URL: 'redis://:hidden-3@127.0.0.1:1', CLUSTER_SECRET: 'hidden-4' },
  }
  const text = needs(env).join('\n')
  expect(text).toContain('and ACCESS_TOKEN, CLUSTER_SECRET, REDIS_URL, A_TOKEN as in this shell.')
  expect(text).not.toContain('hidden')
})

it('quotes what a shell would read otherwise', () => {
  expect(exportLine([['A', "it's $HOME"]])).toBe("export A='it'\\''s $HOME'")
})
