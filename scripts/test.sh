#!/usr/bin/env bash
# Sets up what the tests need, then runs them. Arguments go to vitest: scripts/test.sh --project unit packages/config
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/test.sh [vitest arguments]

Runs all tests: unit tests, and tests that drive a cluster of real processes on free ports of this machine. That takes
about fifteen minutes; the unit tests alone take about one.

Installs first what is missing: what `npm start` installs (dependencies, Nginx, Redis), and Chromium, by the package
manager of the system, for the tests of pages of other origins.

  scripts/test.sh --project unit                    the unit tests alone
  scripts/test.sh --project unit packages/config    those of one package
  scripts/test.sh --project cluster test/cluster/start.test.ts
TEXT
}

for argument in "$@"; do
  case "$argument" in -h | --help) usage; exit 0 ;; esac
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh
# For pages of other origins.
node packages/cli/dist/main.js doctor --install chromium
exec node_modules/.bin/vitest run "$@"
