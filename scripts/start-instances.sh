#!/usr/bin/env bash
# Starts, stops and watches the cluster on this machine: Redis, the example servers, the router instances, Nginx.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/start-instances.sh <command> [arguments]

  start   [port]                start what is not running and wait until it answers
  stop    [port]                stop; instances finish their calls first
  restart [port]                restart the instances one at a time, so that no client notices, with the settings of
                                this shell; it loses nothing that is not said to be meant:
                                --remove-token  a token that this shell lacks
                                --other-redis   the sessions, where REDIS_URL is another one
                                --leave-out     servers that lack a variable, or are not in the servers file
                                (npm restart -- --remove-token)
  status  [--json]              pid, port, health, uptime, sessions, restarts; exit 0 when all are healthy
  logs    [port] [--no-follow]  the last lines of the logs, then each new one

With a port, only the process at that port. The first start installs and builds what is missing.

  ROUTER_INSTANCES (3)  ROUTER_BASE_PORT (8051)  GATEWAY_PORT (8080)  REDIS_URL (a private Redis)
  MCP_SERVERS_FILE (mcp-servers.yaml)  MCP_RUN_DIR (.run)  MCP_AFFINITY (ip_hash)  ACCESS_TOKEN
TEXT
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
main=$root/packages/cli/dist/main.js

command=${1:-}
case "$command" in
  start | stop | restart | status | logs) ;;
  -h | --help | help) usage; exit 0 ;;
  *)
    # It knows which command was probably meant.
    if [ -n "$command" ] && [ -f "$main" ]; then exec node "$main" cluster "$@"; fi
    if [ -n "$command" ]; then echo "start-instances: unknown command \"$command\"" >&2; fi
    usage >&2
    exit 1
    ;;
esac

# Before anything is installed or built, of any command.
for argument in "$@"; do
  case "$argument" in -h | --help) usage; exit 0 ;; esac
done

# Paths that the caller gave mean what they mean where the caller is; the defaults are in the project.
absolute() {
  case "$1" in
    /*) echo "$1" ;;
    *) echo "$PWD/$1" ;;
  esac
}
if [ -n "${MCP_SERVERS_FILE:-}" ]; then
  MCP_SERVERS_FILE=$(absolute "$MCP_SERVERS_FILE")
  export MCP_SERVERS_FILE
fi
if [ -n "${MCP_RUN_DIR:-}" ]; then
  MCP_RUN_DIR=$(absolute "$MCP_RUN_DIR")
  export MCP_RUN_DIR
fi
cd "$root"

case "$command" in
  start | restart) scripts/setup.sh ;;
  *)
    if [ ! -f "$main" ]; then
      echo 'not built yet, so nothing is running; scripts/start-instances.sh start builds and starts' >&2
      exit 1
    fi
    ;;
esac

exec node "$main" cluster "$@"
