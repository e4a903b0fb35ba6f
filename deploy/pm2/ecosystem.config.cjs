// Instances of one cluster under PM2, one app each: see README.md beside this file.
const { resolve } = require('node:path')

const root = resolve(__dirname, '../..')
const env = process.env

if (!env.REDIS_URL && !env.REDIS_URL_FILE)
  throw new Error(
    'REDIS_URL is not set: each instance would keep its sessions for itself; export REDIS_URL=redis://127.0.0.1:6379',
  )

// PM2 reads this file in the command that acts on it; by default it restarts two apps at once.
if (process.argv.some((each) => /reload|restart/i.test(each)) && env.PM2_CONCURRENT_ACTIONS !== '1')
  throw new Error(
    'PM2 would restart two instances at once; PM2_CONCURRENT_ACTIONS=1 pm2 reload deploy/pm2/ecosystem.config.cjs',
  )

const instances = Number(env.ROUTER_INSTANCES || 3)
const basePort = Number(env.ROUTER_BASE_PORT || 8051)
const drainMs = Number(env.MCP_DRAIN_MS || 30_000)
/** An instance ends within 6 s of its drain; the rest is for a busy machine. */
const marginMs = 15_000

module.exports = {
  apps: Array.from({ length: instances }, (_, n) => ({
    name: `router-instance-${n + 1}`,
    script: resolve(root, 'packages/cli/dist/main.js'),
    args: 'serve',
    cwd: root,
    // Not `cluster`: that starts the next process of an id beside the one that ends, and an id is of one instance.
    exec_mode: 'fork',
    env: {
      INSTANCE_ID: `router-instance-${n + 1}`,
      PORT: String(basePort + n),
      MCP_SERVERS_FILE: resolve(root, env.MCP_SERVERS_FILE || 'mcp-servers.yaml'),
    },
    // The next one is restarted once this one takes work.
    wait_ready: true,
    listen_timeout: 30_000,
    // The signal goes to the instance alone: its stdio servers have calls to finish.
    treekill: false,
    kill_timeout: drainMs + marginMs,
    exp_backoff_restart_delay: 500,
    // The lines have their time.
    merge_logs: true,
  })),
}
