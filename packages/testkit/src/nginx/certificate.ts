import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { NginxTls } from '@mcp-router/nginx'

/** selfSigned makes a certificate for localhost in a folder. */
export const selfSigned = async (folder: string): Promise<NginxTls> => {
  const certificate = join(folder, 'mcp-bridge.local.crt')
  const key = join(folder, 'mcp-bridge.local.key')
  const made = ['-keyout', key, '-out', certificate, '-nodes', '-subj', '/CN=localhost']
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  await promisify(execFile)('openssl', ['req', ...kind, ...made])
  return { certificate, key }
}
