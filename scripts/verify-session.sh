#!/usr/bin/env bash
# Checks a running cluster: a session that was opened at one instance works at all of them. Exit 0 when all is well.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/verify-session.sh [base-url] [redis-host] [redis-port] [--server NAME]

Checks a running cluster: a session that was opened at one instance works at all of them. Exit 0 when all is well.

  base-url        where Nginx is, http://127.0.0.1:8080 (GATEWAY_HOST, GATEWAY_PORT)
  redis-host      a Redis other than REDIS_URL or the private one
  redis-port      its port (6379)
  --server NAME   the server to talk to (the first with a URL)

With ACCESS_TOKEN set, the token is sent along.
TEXT
}

for argument in "$@"; do
  case "$argument" in -h | --help) usage; exit 0 ;; esac
done

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ ! -f "$scripts/../packages/cli/dist/main.js" ]; then
  echo 'not built yet, so nothing is running; scripts/start-instances.sh start builds and starts' >&2
  exit 1
fi
# It stays where the caller is, as relative paths in variables do.
exec "$scripts/mcp-router.sh" verify "$@"
