import { isLoopback, loadClusterConfig, type ClusterConfig, type Env } from '@mcp-router/config'
import { reasonOf } from '@mcp-router/core'
import { siteConf, type NginxSettings } from '@mcp-router/nginx'
import { Option, type Command } from 'commander'
import { resolve } from 'node:path'
import { doorSettings, instanceAddresses } from './cluster/nginx.js'
import { commandName } from './command-name.js'
import { Failure } from './failure.js'
import { complain, say } from './terminal.js'

interface NginxOptions {
  readonly affinity?: ClusterConfig['affinity']
  readonly listen?: string
  readonly instance?: readonly string[]
  readonly resolver?: string
  readonly serverName?: readonly string[]
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly redirectPort?: string
  readonly accessLog?: string
  readonly errorLog?: string
}

/** addNginx adds the command that prints a site to install in an Nginx of the system. */
export const addNginx = (program: Command, env: Env): void => {
  program
    .command('nginx')
    .description('print the Nginx configuration of this cluster, for a conf.d folder')
    .addOption(
      new Option(
        '--affinity <how>',
        'which instance gets a request (default: MCP_AFFINITY)',
      ).choices(['ip_hash', 'session', 'round_robin']),
    )
    .option('--listen <host:port>', 'where Nginx listens (default: GATEWAY_HOST, GATEWAY_PORT)')
    .option('--instance <host:port...>', 'the instances (default: those of the cluster)')
    .option(
      '--resolver <host[:port]>',
      'DNS server where Nginx, 1.27.3 or later, looks the names of instances up while it runs',
    )
    .option('--server-name <name...>', 'the names it answers to (default: any)')
    .option('--tls-cert <file>', 'PEM certificate; needs --tls-key')
    .option('--tls-key <file>', 'PEM key')
    .option('--redirect-port <port>', 'with TLS: send plain HTTP on this port to https')
    .option('--access-log <file>', 'of this site alone: no query, and so no session ids')
    .option('--error-log <file>', 'of that Nginx: no session ids are written there')
    .addHelpText('after', help)
    .action((options: NginxOptions) => {
      const config = loadClusterConfig(env)
      const settings = settingsOf(config, options)
      say(siteText(settings).trimEnd())
      if (config.accessToken === undefined && !isLoopback(settings.host))
        complain(
          `--listen ${settings.host} is reachable from other machines, and the instances answer 403 to what comes from there without a token: set ACCESS_TOKEN here and for the cluster`,
        )
      if (settings.proxySecret === undefined)
        complain(
          `no proxy secret in ${config.runDir}: POSTs are not sent to a second instance; start the cluster first or set PROXY_SECRET`,
        )
    })
}

// It holds the secret by which the instances know this Nginx.
const help = `
Example, readable for root alone because what is printed holds a secret:
  ${commandName} nginx | sudo install -m 600 /dev/stdin /etc/nginx/conf.d/mcp-router.conf`

const siteText = (settings: NginxSettings): string => {
  try {
    return siteConf(settings)
  } catch (error) {
    throw new Failure(reasonOf(error))
  }
}

const settingsOf = (config: ClusterConfig, options: NginxOptions): NginxSettings => {
  const { instance = [], serverName = [], tlsCert, tlsKey, redirectPort } = options
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new Failure('--tls-cert and --tls-key go together')
  if (redirectPort !== undefined && tlsCert === undefined)
    throw new Failure('--redirect-port needs --tls-cert and --tls-key')
  const listen = options.listen === undefined ? undefined : addressOf(options.listen)
  const redirect = redirectPort === undefined ? {} : { redirectPort: portOf(redirectPort) }
  const isTls = tlsCert !== undefined && tlsKey !== undefined
  return {
    host: listen?.host ?? config.gatewayHost,
    port: listen?.port ?? config.gatewayPort,
    instances: instance.length > 0 ? instance : instanceAddresses(config),
    affinity: options.affinity ?? config.affinity,
    ...(options.resolver !== undefined && { resolver: options.resolver }),
    serverNames: serverName,
    maxBodyBytes: config.maxBodyBytes,
    ...(options.accessLog !== undefined && { accessLog: resolve(options.accessLog) }),
    ...(options.errorLog !== undefined && { errorLog: resolve(options.errorLog) }),
    ...doorSettings(config),
    ...(isTls && {
      tls: { certificate: resolve(tlsCert), key: resolve(tlsKey), ...redirect },
    }),
  }
}

const addressOf = (text: string): { readonly host: string; readonly port: number } => {
  const colon = text.lastIndexOf(':')
  if (colon < 1) throw new Failure(`--listen: "${text}" is not host:port`)
  return { host: text.slice(0, colon), port: portOf(text.slice(colon + 1)) }
}

const portOf = (text: string): number => {
  const port = Number(text)
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port
  throw new Failure(`"${text}" is not a port`)
}
