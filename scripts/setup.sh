#!/usr/bin/env bash
# Makes a fresh copy of the project ready to run: pnpm, dependencies, build, Nginx and Redis. Run it as often as you like.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/setup.sh [--no-system]

Installs what is missing and builds what has changed; says nothing when all is well.

  --no-system   leave Nginx and Redis alone
TEXT
}

with_system=yes
for argument in "$@"; do
  case "$argument" in
    --no-system) with_system=no ;;
    -h | --help) usage; exit 0 ;;
    *)
      echo "setup: unknown argument \"$argument\"" >&2
      usage >&2
      exit 1
      ;;
  esac
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "setup: $*"; }
fail() {
  echo "setup: $*" >&2
  exit 1
}

# --- Node -------------------------------------------------------------------------------------------------------------

command -v node >/dev/null || fail 'Node is missing; install Node 20 or later from nodejs.org'
node_version=$(node -p process.versions.node)
[ "${node_version%%.*}" -ge 20 ] ||
  fail "Node $node_version is too old; install Node 20 or later from nodejs.org"

# --- pnpm, in the version that package.json names ---------------------------------------------------------------------

pnpm=.tools/node_modules/.bin/pnpm
wanted=$(node -p 'require("./package.json").packageManager')
installed=$(node -p 'require("./.tools/node_modules/pnpm/package.json").version' 2>/dev/null || true)
if [ "pnpm@$installed" != "$wanted" ] || [ ! -x "$pnpm" ]; then
  command -v npm >/dev/null || fail 'npm is missing; it comes with Node from nodejs.org'
  say "installing $wanted"
  npm install --prefix .tools --no-save --no-audit --no-fund --loglevel=error "$wanted" ||
    fail "could not install $wanted; is the npm registry reachable?"
fi

# --- dependencies, when the lock file is another one than at the last time --------------------------------------------

lock_stamp=node_modules/.installed-lock
shopt -s nullglob
# Servers of your own, which the lock file that came with the project does not know.
own=(servers/*/package.json)
lock=$(cat pnpm-lock.yaml ${own[@]+"${own[@]}"} | cksum)
if [ ! -f node_modules/.modules.yaml ] || [ "$(cat "$lock_stamp" 2>/dev/null || true)" != "$lock" ]; then
  say 'installing dependencies'
  # CI: pnpm asks no questions, also where there is a terminal.
  frozen=--frozen-lockfile
  [ ${#own[@]} -eq 0 ] || frozen=--no-frozen-lockfile
  CI=true "$pnpm" install "$frozen" --prefer-offline --reporter=append-only ||
    fail 'could not install the dependencies; see above'
  # The install may have added the servers of your own to the lock file.
  cat pnpm-lock.yaml ${own[@]+"${own[@]}"} | cksum >"$lock_stamp"
fi

# --- build, when a source is newer than the last one ------------------------------------------------------------------

build_stamp=node_modules/.built
# A folder is newer, too, when a file in it was removed.
is_built() {
  [ -f "$build_stamp" ] && [ -f packages/cli/dist/main.js ] || return 1
  [ "$lock_stamp" -nt "$build_stamp" ] && return 1
  [ -z "$(find {packages,servers}/*/{src,package.json,tsconfig.json} test/load test/fixtures tsconfig*.json \
    -name dist -prune -o -type f -newer "$build_stamp" -print 2>/dev/null | head -n 1)" ]
}
if ! is_built; then
  say 'building; the first time, this takes about half a minute'
  # Taken before, so that what changes during the build is built the next time.
  touch "$build_stamp.next"
  node_modules/.bin/tsc -b . servers/*/tsconfig.json || fail 'the build failed; see above'
  mv "$build_stamp.next" "$build_stamp"
fi

# --- Nginx and Redis --------------------------------------------------------------------------------------------------

if [ "$with_system" = yes ]; then
  node packages/cli/dist/main.js doctor --install
fi
