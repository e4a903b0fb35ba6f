#!/usr/bin/env bash
# Makes mcp-router-<version>.tgz, which `npm install -g` takes: the built packages of this repository in one, with the libraries they need.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/pack.sh [folder]

Builds, and writes mcp-router-<version>.tgz into the folder (.run/pack). Install it with:

  npm install -g .run/pack/mcp-router-<version>.tgz
TEXT
}

case "${1:-}" in
  -h | --help) usage; exit 0 ;;
  -*)
    echo "pack: unknown argument \"$1\"" >&2
    usage >&2
    exit 1
    ;;
esac

out=$(mkdir -p "${1:-$(dirname "${BASH_SOURCE[0]}")/../.run/pack}" && cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../.run/pack}" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh --no-system

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
node scripts/pack/stage.mjs "$stage"
cd "$stage"
npm pack --silent --pack-destination "$out" >/dev/null
echo "packed $out/$(ls -t "$out" | grep '^mcp-router-.*\.tgz$' | head -n 1)"
