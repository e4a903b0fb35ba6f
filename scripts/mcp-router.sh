#!/usr/bin/env bash
# The command line of the router: serve, cluster, backends, sessions, nginx, verify, doctor.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
main=$root/packages/cli/dist/main.js

if [ ! -f "$main" ]; then
  case "${1:-}" in
    -h | --help)
      echo 'usage: scripts/mcp-router.sh <command>'
      echo
      echo 'The commands are listed here once the project is built: npm run setup'
      exit 0
      ;;
    *)
      echo 'not built yet: npm run setup' >&2
      exit 1
      ;;
  esac
fi

# Paths that the caller gives mean what they mean where the caller is; the defaults are in the project.
export MCP_SERVERS_FILE=${MCP_SERVERS_FILE:-$root/mcp-servers.yaml}
# Without a run directory, serve keeps nothing on disk.
if [ "${1:-}" != serve ]; then export MCP_RUN_DIR=${MCP_RUN_DIR:-$root/.run}; fi
exec node "$main" "$@"
