import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { it } from 'vitest'

export const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '')

/** The tools of other projects that recipes are for, and that check them: installed by scripts/deploy-tools.sh, or of the system. */
const places = {
  pm2: 'pm2/node_modules/.bin/pm2',
  nginx: 'nginx/bin/nginx',
  'compose-config': 'bin/compose-config',
  helm: 'bin/helm',
  'kube-check': 'bin/kube-check',
  promtool: '',
  prometheus: '',
  'systemd-analyze': '',
  tini: '',
  python3: '',
} as const

export type Tool = keyof typeof places

/** findTool is the path of a tool; undefined: this machine lacks it. */
export const findTool = (tool: Tool): string | undefined => {
  const ours = join(root, '.tools/deploy', places[tool])
  if (places[tool] !== '' && existsSync(ours)) return ours
  // An Nginx of the system may be too old for what is tested here.
  if (tool === 'nginx') return undefined
  const found = spawnSync('sh', ['-c', 'command -v "$0"', tool], { encoding: 'utf8' })
  return found.stdout.trim() || undefined
}

/**
 * itWith is a test that needs tools. Where one is missing it is listed as skipped, with the reason in its name; it fails where DEPLOY_TOOLS names
 * that tool as one that is there.
 */
export const itWith = (
  tools: readonly Tool[],
  name: string,
  test: () => Promise<void> | void,
): void => {
  const missing = tools.filter((tool) => findTool(tool) === undefined)
  if (missing.length === 0) {
    it(name, test)
    return
  }
  const reason = `${missing.join(', ')} not installed: scripts/deploy-tools.sh`
  const wanted = (process.env['DEPLOY_TOOLS'] ?? '').split(' ')
  if (!missing.some((tool) => wanted.includes(tool))) {
    it.skip(`${name} (${reason})`, test)
    return
  }
  it(name, () => {
    throw new Error(reason)
  })
}
