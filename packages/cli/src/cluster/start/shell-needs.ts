import { parseEnvironment, readText, secretVariables, variablesIn } from '@mcp-router/config'
import { childEnvironment } from '@mcp-router/core'
import { resolve } from 'node:path'
import type { Cluster } from '../cluster.js'
import { exportLine } from './export-line.js'
import { plainValues, type Settings } from '../restart/settings.js'

/**
 * shellNeeds are lines about what another shell must set to start what is missing of this cluster and to restart it as it is: all that differs from the
 * defaults, ready to be pasted. Of a secret there is only the name.
 */
export const shellNeeds = ({
  config,
  env,
  processes,
}: Pick<Cluster, 'config' | 'env' | 'processes'>): readonly string[] => {
  const given = plainValues(withPaths(parseEnvironment(env)))
  const usual = plainValues(withPaths(parseEnvironment({})))
  const settings = Object.entries(given).filter(
    ([name, value]) => usual[name] !== value && !ofEachInstance.includes(name),
  )
  const ports = processes
    .flatMap(({ serverPorts = [] }) => serverPorts)
    .filter(({ given }) => given !== '')
    .map(({ name, given }) => [name, given] as const)
  const values = [...settings, ...new Map(ports)]
  // Any other variable of a server may be a secret.
  const known = [...values.map(([name]) => name), ...Object.keys(childEnvironment(env))]
  const ofServers = variablesIn(readText(config.serversFile)).filter(
    (name) => !known.includes(name),
  )
  const secrets = [...new Set([...secretVariables, ...ofServers])].filter((name) => env[name])
  const asHere = `${secrets.join(', ')} as in this shell`
  if (values.length === 0)
    return secrets.length === 0 ? [] : [`In another shell, start and restart need ${asHere}.`]
  return [
    'In another shell, start and restart need:',
    '',
    `  ${exportLine(values)}`,
    ...(secrets.length === 0 ? [] : ['', `and ${asHere}.`]),
  ]
}

/** What the cluster sets for each Instance by itself. */
const ofEachInstance: readonly string[] = ['PORT', 'LOG_FILE']

const withPaths = (settings: ReturnType<typeof parseEnvironment>): Settings => ({
  ...settings,
  MCP_RUN_DIR: resolve(settings.MCP_RUN_DIR),
  MCP_SERVERS_FILE: resolve(settings.MCP_SERVERS_FILE),
})
