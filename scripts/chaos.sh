#!/usr/bin/env bash
# Sets up what the chaos harness needs, then runs it. Arguments go to test/chaos: scripts/chaos.sh --seconds 60 --faults redis-kill
# With --servers alone, servers answer oddly instead: test/cluster/hostile-servers.test.ts in its long form.
set -euo pipefail

main=test/chaos/dist/chaos/main.js
usage() {
  cat <<'TEXT'
usage: scripts/chaos.sh [flags]

Kills, stops and restarts instances, servers, children and Redis under load, in a cluster of its own on free ports.
Installs first what is missing of what `npm start` installs (dependencies, Nginx, Redis).

TEXT
  if [ -f "$main" ]; then node "$main" --help; else echo 'The flags are listed here once the project is built: npm run setup'; fi
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
for argument in "$@"; do
  case "$argument" in -h | --help) usage; exit 0 ;; esac
done
scripts/setup.sh
if [ "${1:-}" = --servers ]; then
  export FUZZ_STEPS="${FUZZ_STEPS:-10000}"
  exec node_modules/.bin/vitest run --project cluster test/cluster/hostile-servers.test.ts
fi
exec node "$main" "$@"
