import type { Env, ManagedBackend } from '@mcp-router/config'
import { answers } from '../http.js'
import type { ClusterProcess } from './process.js'

// Secrets of the router that a Backend has no business with.
const withheld = ['ACCESS_TOKEN', 'CLUSTER_SECRET', 'REDIS_URL']

/** backendProcess is a Backend that the servers file says how to start. */
export const backendProcess = (managed: ManagedBackend, env: Env): ClusterProcess => {
  const { backend, url, port, command, args, cwd } = managed
  return {
    name: `backend-${port}`,
    stage: 'backend',
    what: `server ${backend}`,
    address: url,
    listen: { host: '127.0.0.1', port, variable: `the url of "${backend}" in the servers file` },
    command,
    args,
    cwd,
    env: Object.fromEntries(Object.entries(env).filter(([name]) => !withheld.includes(name))),
    prepare: () => undefined,
    health: async () => ((await answers(url)) ? undefined : `nothing answers at ${url}`),
  }
}
