import { readFile, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { mainConf, siteConf } from '@mcp-router/nginx'
import type { NginxSettings } from '@mcp-router/nginx'
import { onTestFinished } from 'vitest'
import { freePorts } from '../process/ports.js'
import { build, openNginx } from './nginx-process.js'
import { openRunDir } from './run-dir.js'

export interface TestSite {
  readonly port: number
  readonly runDir: string
}

/** writeConf puts the text of a site and an nginx.conf around it into a run directory. */
export const writeConf = async (runDir: string, siteText: string): Promise<string> => {
  const siteFile = join(runDir, 'nginx', 'site.conf')
  const mainFile = join(runDir, 'nginx', 'nginx.conf')
  await writeFile(siteFile, siteText)
  const user = process.getuid?.() === 0 ? userInfo().username : undefined
  const more = { workerProcesses: 2, build, ...(user !== undefined && { user }) }
  await writeFile(mainFile, mainConf({ runDir, siteFile, ...more }))
  return mainFile
}

type SiteSettings = Partial<NginxSettings> & Pick<NginxSettings, 'instances'>

/** openSite runs a real Nginx for the rest of the test, round robin unless told otherwise, with its files in `given` or a directory of its own. */
export const openSite = async (settings: SiteSettings, given?: string): Promise<TestSite> => {
  const runDir = given ?? (await openRunDir())
  // Another process may take the port between looking and binding.
  for (let tries = 0; tries < 3; tries++) {
    const port = await freePorts(1)
    const plain = { host: '127.0.0.1', port, affinity: 'round_robin', serverNames: [] } as const
    const known = { ...plain, proxySecret: 'secret-of-the-tests' }
    const mainFile = await writeConf(runDir, siteConf({ ...known, ...settings }))
    const nginx = await openNginx(runDir, mainFile)
    if (nginx) {
      onTestFinished(() => nginx.close())
      return { port, runDir }
    }
  }
  throw new Error(await readFile(join(runDir, 'logs', 'nginx-error.log'), 'utf8'))
}
