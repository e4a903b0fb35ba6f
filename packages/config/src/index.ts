export { ConfigError } from './config-error.js'
export type { Problem } from './config-error.js'
export { parseEnvironment, secretVariables, variableNames } from './environment.js'
export { distance, nearest } from './servers-file/nearest.js'
export type { Env } from './environment.js'
export type {
  ClusterConfig,
  InvalidBackend,
  GatewayConfig,
  LogLevel,
  ManagedBackend,
} from './gateway-config.js'
export { loadGatewayConfig, loadRunDir, loadStoreConfig } from './load.js'
export { loadClusterConfig, loadClusterWithoutServers } from './load-cluster.js'
export { isLoopback } from './reachable.js'
export type { GatewayOverrides, RunDir, StoreConfig } from './load.js'
export { isOfCluster, privateEnvVariable, processEnv } from './process-env.js'
export { environmentSchema, stopLimitMs } from './schema.js'
export { variablesIn } from './servers-file/expand.js'
export { readEntries, writeEntries } from './servers-file/entries.js'
export type { ServerEntries } from './servers-file/entries.js'
export { readServers } from './servers-file/read.js'
export type { ServersFile } from './servers-file/read.js'
export { makeProxySecret, readProxySecret } from './proxy-secret.js'
export { readText } from './read-text.js'
export { serverProblemText } from './server-problem.js'
