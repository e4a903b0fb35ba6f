import type { GatewayConfig } from '@mcp-router/config'

type Advertising = Pick<GatewayConfig, 'host' | 'advertisedHost' | 'redisUrl'>

/** advertisedAddress is where the other Instances reach what listens at `address`. */
export const advertisedAddress = ({ advertisedHost }: Advertising, address: string): string => {
  if (advertisedHost === undefined) return address
  const name = advertisedHost.includes(':') ? `[${advertisedHost}]` : advertisedHost
  return `http://${name}:${new URL(address).port}`
}

/** warnAdvertised says that the other Instances are given an address at which each machine reaches itself. */
export const warnAdvertised = (
  log: { warn(text: string): unknown },
  { host, advertisedHost, redisUrl }: Advertising,
): void => {
  const isEverywhere = host === '0.0.0.0' || host === '::'
  if (!isEverywhere || advertisedHost !== undefined || redisUrl === undefined) return
  log.warn(
    `HOST is ${host}, at which instances on other machines do not reach this one; set ADVERTISED_HOST to its own address where there are any`,
  )
}
