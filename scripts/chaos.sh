#!/usr/bin/env bash
# Sets up what the chaos harness needs, then runs it. Arguments go to test/chaos: scripts/chaos.sh --seconds 60 --faults redis-kill
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh
exec node test/chaos/dist/chaos/main.js "$@"
