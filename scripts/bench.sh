#!/usr/bin/env bash
# Sets up what the benchmark needs, then runs it. Arguments go to test/load: scripts/bench.sh --rows call
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh
node packages/cli/dist/main.js doctor --install wrk >/dev/null 2>&1 ||
  echo 'bench: wrk is not installed; autocannon drives instead, and reaches less'
exec node test/load/dist/main.js "$@"
