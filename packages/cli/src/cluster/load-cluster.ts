import {
  ConfigError,
  loadClusterConfig,
  loadClusterWithoutServers,
  type ClusterConfig,
  type Env,
} from '@mcp-router/config'

/** LoadedCluster has no servers where there is a mistake in the servers file. */
export interface LoadedCluster {
  readonly config: ClusterConfig
  readonly mistake?: string
}

/** loadCluster is for commands that only look at the cluster: they show the rest in spite of such a mistake. It throws where it is in a variable. */
export const loadCluster = (env: Env): LoadedCluster => {
  try {
    return { config: loadClusterConfig(env) }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { config: loadClusterWithoutServers(env), mistake: error.message }
  }
}
