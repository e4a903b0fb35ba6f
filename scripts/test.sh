#!/usr/bin/env bash
# Sets up what the tests need, then runs them. Arguments go to vitest: scripts/test.sh --project unit packages/config
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh
exec node_modules/.bin/vitest run "$@"
