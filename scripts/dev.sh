#!/usr/bin/env bash
# Runs one instance from the sources: what you save is compiled, and the instance restarts. Ctrl-C ends all of it.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/dev.sh [options of serve]

Compiles what you save and restarts one instance with it: in memory, no Redis, no Nginx, on port 8051. Ctrl-C ends it.
Installs the dependencies and builds first where that is missing.

  scripts/dev.sh --port 8061 --servers my-servers.yaml

A restart gives calls a second to finish (MCP_DRAIN_MS).
TEXT
}

for argument in "$@"; do
  case "$argument" in -h | --help) usage; exit 0 ;; esac
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh --no-system
# An instance that never starts would be watched for ever.
options=$(node packages/cli/dist/main.js serve --help)
for argument in "$@"; do
  case "$argument" in
    --*) name=${argument%%=*} ;;
    -?*) name=${argument:0:2} ;;
    *) continue ;;
  esac
  if ! grep -qF -e " $name " -e " $name," <<<"$options"; then
    echo "dev: unknown option \"$argument\"" >&2
    usage >&2
    exit 1
  fi
done
export MCP_DRAIN_MS=${MCP_DRAIN_MS:-1000}

pids=()
end() {
  trap - EXIT INT TERM
  kill "${pids[@]}" 2>/dev/null || true
  wait
  exit "$1"
}
trap 'end $?' EXIT
trap 'end 130' INT
trap 'end 143' TERM

node_modules/.bin/tsc -b --watch --preserveWatchOutput packages/cli packages/example-server &
pids+=($!)
node --watch --watch-preserve-output packages/cli/dist/main.js serve "$@" &
pids+=($!)
wait
