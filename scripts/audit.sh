#!/usr/bin/env bash
# Fails when a pinned version that is run in production has a known advisory of high or critical severity, and before the set-up. A registry that
# offers no audit, or cannot be reached, fails nothing: what it cannot say is said.
set -euo pipefail

case "${1:-}" in
  '') ;;
  -h | --help)
    echo 'usage: scripts/audit.sh'
    echo
    echo 'Asks the npm registry for advisories about what runs in production. Exit 1 when one is of high or critical severity.'
    exit 0
    ;;
  *)
    echo "audit: it takes no arguments; scripts/audit.sh --help" >&2
    exit 1
    ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")/.."
pnpm=.tools/node_modules/.bin/pnpm
if [ ! -x "$pnpm" ]; then
  echo 'audit: pnpm is not installed yet: npm run setup' >&2
  exit 1
fi
report=$("$pnpm" audit --prod --json 2>/dev/null || true)
exec node --input-type=module -e "
import { readFileSync } from 'node:fs'
const report = (() => { try { return JSON.parse(readFileSync(0, 'utf8')) } catch { return undefined } })()
if (!report?.advisories) {
  const reason = report?.error?.message ?? 'no answer'
  console.log('audit: not done, the registry offers none: ' + reason)
  process.exit(0)
}
const all = Object.values(report.advisories)
const grave = all.filter(({ severity }) => severity === 'high' || severity === 'critical')
for (const { module_name, severity, title, url, vulnerable_versions, patched_versions } of all)
  console.log('audit: ' + [severity, module_name, vulnerable_versions, title, 'fixed in ' + patched_versions, url].join(' · '))
console.log('audit: ' + all.length + ' advisories for what runs in production, ' + grave.length + ' high or critical')
process.exit(grave.length > 0 ? 1 : 0)
" <<<"$report"
