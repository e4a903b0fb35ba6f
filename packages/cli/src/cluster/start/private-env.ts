import { privateEnvVariable, type Env } from '@mcp-router/config'
import { childEnvironment } from '@mcp-router/core'
import type { ClusterProcess } from '../run/process.js'

// What node, OpenSSL and the C library read for themselves when the process starts.
const runtime: readonly string[] = [
  ...['NODE_ENV', 'NODE_OPTIONS', 'NODE_PATH', 'NODE_EXTRA_CA_CERTS', 'NODE_V8_COVERAGE'],
  ...['UV_THREADPOOL_SIZE', 'LD_LIBRARY_PATH', 'MALLOC_ARENA_MAX'],
  ...['OPENSSL_CONF', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
]

/**
 * withPrivateEnv hands a process of ours its variables on standard input. An environment stays
 * readable in /proc/<pid>/environ for every process of the same user, its stdio servers among them,
 * even where the process removes a variable.
 */
export const withPrivateEnv = (env: Env): Pick<ClusterProcess, 'env' | 'privateEnv'> => ({
  env: { ...childEnvironment(env, runtime), [privateEnvVariable]: 'stdin' },
  privateEnv: env,
})
