#!/usr/bin/env bash
# Checks a running cluster: a session that was opened at one instance works at all of them. Exit 0 when all is well.
# usage: scripts/verify-session.sh [base-url] [redis-host] [redis-port] [--server NAME]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
main=packages/cli/dist/main.js
if [ ! -f "$main" ]; then
  echo 'not built yet, so nothing is running; scripts/start-instances.sh start builds and starts' >&2
  exit 1
fi
exec node "$main" verify "$@"
