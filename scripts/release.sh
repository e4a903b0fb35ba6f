#!/usr/bin/env bash
# Makes a release of main: changelog, versions, one commit, one tag. It pushes nothing.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/release.sh [--dry-run] <version>

Moves what CHANGELOG.md lists under Unreleased to the version with today's date, sets the version in every package.json,
commits that as `chore(release): v<version>` and tags the commit. It pushes nothing.

  <version>    a semantic version, greater than the last released one: 1.4.0, 2.0.0-rc.1
  --dry-run    check, print what would change, and change nothing

It requires a clean tree on main. A second run does only what is missing.
TEXT
}

dry_run=no
version=
for argument in "$@"; do
  case "$argument" in
    -h | --help) usage; exit 0 ;;
    --dry-run) dry_run=yes ;;
    -*)
      echo "release: unknown option \"$argument\"" >&2
      usage >&2
      exit 1
      ;;
    *)
      if [ -n "$version" ]; then
        echo "release: one version, not \"$version\" and \"$argument\"" >&2
        usage >&2
        exit 1
      fi
      version=$argument
      ;;
  esac
done
if [ -z "$version" ]; then usage >&2; exit 1; fi

cd "$(dirname "${BASH_SOURCE[0]}")/.."
tag=v$version
subject="chore(release): $tag"

say() { echo "release: $*"; }
fail() {
  echo "release: $*" >&2
  exit 1
}

# --- what must be true first ------------------------------------------------------------------------------------------

if git rev-parse --verify --quiet "refs/tags/$tag" >/dev/null; then
  say "$tag is tagged already; nothing to do"
  exit 0
fi
branch=$(git symbolic-ref --short --quiet HEAD || echo 'no branch')
[ "$branch" = main ] || fail "releases are made on main, and this is $branch; git switch main"
[ -z "$(git status --porcelain)" ] || fail 'the tree is not clean; commit or remove what git status lists'

# A run that was interrupted between the commit and the tag has only the tag left to make.
if [ "$(git log -1 --format=%s)" = "$subject" ]; then
  if [ "$dry_run" = yes ]; then
    say "would tag HEAD, which is \"$subject\", as $tag"
  else
    git tag --annotate "$tag" --message "$tag"
    say "tagged $tag"
  fi
  exit 0
fi

# --- the changelog and the versions -----------------------------------------------------------------------------------

manifests=()
while IFS= read -r file; do manifests+=("$file"); done < <(git ls-files package.json 'packages/*/package.json' test/package.json)
present=$(node -p 'require("./package.json").version')
is_tagged=no
if git rev-parse --verify --quiet "refs/tags/v$present" >/dev/null; then is_tagged=yes; fi

node --input-type=module - "$version" "$present" "$is_tagged" "$dry_run" "$(date -u +%F)" "${manifests[@]}" <<'JS'
import { readFileSync, writeFileSync } from 'node:fs'

const [version, present, isTagged, dryRun, date, ...manifests] = process.argv.slice(2)
const fail = (text) => {
  console.error(`release: ${text}`)
  process.exit(1)
}

const identifier = '(?:0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*)'
const semver = new RegExp(
  `^(0|[1-9]\\d*)\\.(0|[1-9]\\d*)\\.(0|[1-9]\\d*)(?:-(${identifier}(?:\\.${identifier})*))?$`,
)
const parse = (text) => {
  const [match, major, minor, patch, suffix] = semver.exec(text) ?? []
  if (match === undefined) fail(`"${text}" is not a semantic version like 1.4.0 or 2.0.0-rc.1`)
  return { numbers: [major, minor, patch].map(Number), suffix: suffix?.split('.') ?? [] }
}
// Semantic Versioning 2.0.0 §11: a version without a suffix is greater than one with it.
const compareIdentifiers = (one, other) => {
  if (one === other) return 0
  if (one === undefined) return -1
  if (other === undefined) return 1
  const [isNumber, isOtherNumber] = [one, other].map((text) => /^\d+$/.test(text))
  if (isNumber && isOtherNumber) return Number(one) - Number(other)
  if (isNumber !== isOtherNumber) return isNumber ? -1 : 1
  return one < other ? -1 : 1
}
const compare = (one, other) => {
  const byNumber = one.numbers.map((number, n) => number - other.numbers[n]).find(Boolean)
  if (byNumber) return byNumber
  if (one.suffix.length === 0 || other.suffix.length === 0) return other.suffix.length - one.suffix.length
  const length = Math.max(one.suffix.length, other.suffix.length)
  const all = Array.from({ length }, (_, n) => compareIdentifiers(one.suffix[n], other.suffix[n]))
  return all.find(Boolean) ?? 0
}

const order = compare(parse(version), parse(present))
// The version in package.json may itself be the next one, until it is tagged.
if (order < 0 || (order === 0 && isTagged === 'yes'))
  fail(`${version} is not greater than the present version, ${present}`)

const changelog = readFileSync('CHANGELOG.md', 'utf8')
const heading = '## [Unreleased]\n'
const start = changelog.indexOf(heading)
if (start < 0) fail('CHANGELOG.md has no "## [Unreleased]"')
const rest = changelog.slice(start + heading.length)
const end = rest.search(/^## \[/m)
const body = (end < 0 ? rest : rest.slice(0, end)).trim()
const entries = body.match(/^- /gm)?.length ?? 0
if (entries === 0) fail('CHANGELOG.md lists nothing under Unreleased; say what has changed')
const before = changelog.slice(0, start + heading.length)
const after = end < 0 ? '' : `\n${rest.slice(end)}`

const set = manifests.map((path) => {
  const text = readFileSync(path, 'utf8')
  const next = text.replace(/^( {2}"version": ")[^"]*"/m, `$1${version}"`)
  if (JSON.parse(next).version !== version) fail(`${path} has no version to set`)
  return [path, next]
})

console.log(`release: CHANGELOG.md: ${entries} entries move to [${version}] - ${date}`)
console.log(`release: ${present} becomes ${version} in ${manifests.join(', ')}`)
if (dryRun === 'yes') process.exit(0)
writeFileSync('CHANGELOG.md', `${before}\n## [${version}] - ${date}\n\n${body}\n${after}`)
for (const [path, next] of set) writeFileSync(path, next)
JS

say "commit: $subject"
say "tag: $tag"
if [ "$dry_run" = yes ]; then
  say 'this was a dry run; nothing is changed'
  exit 0
fi

# --- commit and tag ---------------------------------------------------------------------------------------------------

# The tree was clean, so what is taken back is this script's own.
git commit --quiet --message "$subject" -- CHANGELOG.md "${manifests[@]}" || {
  git checkout --quiet HEAD -- CHANGELOG.md "${manifests[@]}"
  fail 'the commit failed, see above; nothing is changed'
}
git tag --annotate "$tag" --message "$tag"
say "done; to publish it: git push --follow-tags origin main"
