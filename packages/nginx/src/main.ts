import { formatted } from './conf.js'
import { header } from './header.js'
import { quoted, quotedInclude } from './quote.js'

/** MainSettings is what a private Nginx depends on. */
export interface MainSettings {
  /**
   * Absolute path. Its folders `pids`, `logs` and `nginx` must be there: Nginx makes only what goes
   * into them.
   */
  readonly runDir: string
  /** Absolute path of the text of siteConf. */
  readonly siteFile: string
  /** Undefined: one per processor. */
  readonly workerProcesses?: number
  /** The hard limit of open files, above which no limit can be set; undefined: 65535 or more. */
  readonly openFiles?: number
  /**
   * Whom the workers run as. It must be said where root starts Nginx, which would run them as `nobody`: they open the files of bodies and, told
   * to, their logs anew, in a run directory that is closed to others. Undefined: whoever starts it, who is not root.
   */
  readonly user?: string
  /** What `nginx -V` prints of the Nginx that will read it; undefined: it has the usual modules. */
  readonly build?: string
}

const wantedOpenFiles = 65_535
const wantedConnections = 16_384

/** An Nginx without a module does not know its directives; one with it makes its folder at once. */
const optionalModules = ['fastcgi', 'uwsgi', 'scgi'] as const

/**
 * mainConf is a whole nginx.conf for an Nginx of one's own: any user may run it, and all its files
 * are in `runDir`. It says nothing of `daemon`: `nginx -c <file> -g 'daemon off;'` stays in the
 * foreground.
 */
export const mainConf = (settings: MainSettings): string => {
  const { runDir, siteFile, workerProcesses, user, build = '' } = settings
  const openFiles = Math.min(settings.openFiles ?? wantedOpenFiles, wantedOpenFiles)
  const modules = optionalModules.filter((name) => !build.includes(`--without-http_${name}_module`))
  const inRunDir = (path: string): string => quoted(`${runDir}/${path}`)
  return `${header}${formatted(`
${user === undefined ? '' : `# The run directory is closed to everybody else.\nuser ${quoted(user)};`}
pid ${inRunDir('pids/nginx.pid')};
error_log ${inRunDir('logs/nginx-error.log')} warn;
worker_processes ${workerProcesses ?? 'auto'};
pcre_jit on;
# Two sockets for every stream, and room for what comes and goes beside them.
worker_rlimit_nofile ${openFiles};
events {
  worker_connections ${Math.min(openFiles, wantedConnections)};
}
http {
  server_tokens off;
  # Host names of clouds are long.
  server_names_hash_bucket_size 256;
  # Nginx makes these folders at the start; the ones it would choose belong to root.
  client_body_temp_path ${inRunDir('nginx/client-body')};
  proxy_temp_path ${inRunDir('nginx/proxy')};
  ${modules.map((name) => `${name}_temp_path ${inRunDir(`nginx/${name}`)};`).join('\n')}
  include ${quotedInclude(siteFile)};
  access_log ${inRunDir('logs/nginx-access.log')} mcp_router buffer=64k flush=1s;
}
`)}`
}
