#!/usr/bin/env bash
# Sets up what the tests need, then runs them. Arguments go to vitest: scripts/test.sh unit packages/config
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/test.sh [unit | cluster] [vitest arguments]

Runs all tests: unit tests, and tests that drive a cluster of real processes on free ports of this machine. That takes
about ten minutes on two cores; the unit tests alone take about one.

Installs first what is missing: what `npm start` installs (dependencies, Nginx, Redis), and Chromium, by the package
manager of the system, for the tests of pages of other origins.

  scripts/test.sh unit                      the unit tests alone, without Chromium
  scripts/test.sh unit packages/config      those of one package
  scripts/test.sh cluster                   the others
  scripts/test.sh cluster takeover          test/cluster/takeover.test.ts alone
TEXT
}

for argument in "$@"; do
  case "$argument" in -h | --help) usage; exit 0 ;; esac
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
with_chromium=yes
case "${1:-}" in
  unit)
    shift
    with_chromium=no
    set -- --project 'unit*' "$@"
    ;;
  cluster)
    shift
    # A name is one file, not every file that has the word in its path: `start` is not `rolling-restart`.
    chosen=()
    for argument in "$@"; do
      file=test/cluster/$argument.test.ts
      if [ -f "$file" ]; then
        with_chromium=no
        chosen+=("$file")
      else
        chosen+=("$argument")
      fi
    done
    set -- --project 'cluster*' ${chosen[@]+"${chosen[@]}"}
    ;;
esac

scripts/setup.sh
# For pages of other origins.
if [ "$with_chromium" = yes ]; then node packages/cli/dist/main.js doctor --install chromium; fi
exec node_modules/.bin/vitest run "$@"
