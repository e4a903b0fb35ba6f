#!/usr/bin/env bash
# Sets up what the benchmark needs, then runs it. Arguments go to test/load: scripts/bench.sh --rows call
set -euo pipefail

main=test/load/dist/main.js
usage() {
  cat <<'TEXT'
usage: scripts/bench.sh [--checks | flags]

Drives bare Nginx, one instance and the whole cluster in turn, on free ports of this machine, and then checks what
memory and load may come to (test/load/checks). With flags, it only drives; with --checks, it only checks.

Installs first what is missing: what `npm start` installs (dependencies, Nginx, Redis), and wrk, by the package manager
of the system. Where wrk cannot be installed, autocannon drives instead.

TEXT
  if [ -f "$main" ]; then node "$main" --help; else echo 'The flags are listed here once the project is built: npm run setup'; fi
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
for argument in "$@"; do
  case "$argument" in -h | --help) usage; exit 0 ;; esac
done
scripts/setup.sh
check() {
  node_modules/.bin/vitest run --root . --config test/load/checks/vitest.config.ts
}
if [ "$*" = --checks ]; then
  check
  exit
fi
case " $* " in *' --checks '*) echo 'bench: --checks only checks, and takes nothing else; npm run bench -- --help lists the flags' >&2; exit 1 ;; esac
node packages/cli/dist/main.js doctor --install wrk >/dev/null 2>&1 ||
  echo 'bench: wrk is not installed; autocannon drives instead, and reaches less'
if [ "$#" -gt 0 ]; then exec node "$main" "$@"; fi
driven=0
node "$main" || driven=$?
# After Ctrl-C, nothing more is begun.
[ "$driven" -lt 128 ] || exit "$driven"
check && exit "$driven"
