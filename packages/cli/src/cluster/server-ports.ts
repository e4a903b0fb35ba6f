import { readText, type ClusterConfig, type Env } from '@mcp-router/config'

/** ServerPort is a variable by which the servers file gives a server its port, `${EXAMPLE_PORT_1:-8071}`. */
export interface ServerPort {
  readonly name: string
  /** Empty: the variable is not set. */
  readonly given: string
  /** The port where it is not set; empty: there is none. */
  readonly fallback: string
}

/** serverPortOf finds the variable that a port comes from. */
export const serverPortOf = (
  serversFile: string,
  env: Env,
  port: number | string,
): ServerPort | undefined =>
  [...readText(serversFile).matchAll(/\$\{(\w+)(?::-(\d+))?\}/g)]
    .map(([, name = '', fallback = '']) => ({ name, given: env[name] ?? '', fallback }))
    .find(({ given, fallback }) => (given || fallback) === String(port))

/** serverPortsOf are those of all servers that are reached by URL. */
export const serverPortsOf = (
  { backends, serversFile }: Pick<ClusterConfig, 'backends' | 'serversFile'>,
  env: Env,
): readonly ServerPort[] => {
  const ports = backends.flatMap(({ endpoints }) =>
    endpoints.flatMap((each) => ('url' in each ? [new URL(each.url).port] : [])),
  )
  const found = [...new Set(ports)].flatMap((port) =>
    port === '' ? [] : (serverPortOf(serversFile, env, port) ?? []),
  )
  return found.filter(({ name }, index) => found.findIndex((each) => each.name === name) === index)
}
