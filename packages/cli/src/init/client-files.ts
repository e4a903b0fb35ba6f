import { readEntries, type Env, type ServerEntries } from '@mcp-router/config'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** ClientFile is the configuration of an MCP client on this machine, and the servers in it. */
export interface ClientFile {
  readonly client: string
  readonly path: string
  readonly servers: ServerEntries
}

/** findClientFiles looks where MCP clients keep their servers, for this user and in `folder`. What holds none, or cannot be read, is left out. */
export const findClientFiles = (
  env: Env,
  folder: string,
  platform: string = process.platform,
): readonly ClientFile[] =>
  placesOf(env, folder, platform).flatMap(([client, path]): readonly ClientFile[] => {
    if (!existsSync(path)) return []
    try {
      const servers = readEntries(path)
      return Object.keys(servers).length === 0 ? [] : [{ client, path, servers }]
    } catch {
      // Settings of a program that has no servers yet.
      return []
    }
  })

type Place = readonly [client: string, path: string]

const placesOf = (env: Env, folder: string, platform: string): readonly Place[] => {
  const home = env['HOME'] ?? env['USERPROFILE']
  const inFolder: readonly Place[] = [
    ['Claude Code (project)', join(folder, '.mcp.json')],
    ['Cursor (project)', join(folder, '.cursor', 'mcp.json')],
    ['VS Code (project)', join(folder, '.vscode', 'mcp.json')],
  ]
  if (!home) return inFolder
  const settings = settingsFolder(env, home, platform)
  return [
    ...inFolder,
    ['Claude Desktop', join(settings, 'Claude', 'claude_desktop_config.json')],
    ['Claude Code', join(home, '.claude.json')],
    ['Cursor', join(home, '.cursor', 'mcp.json')],
    ['VS Code', join(settings, 'Code', 'User', 'mcp.json')],
    ['Windsurf', join(home, '.codeium', 'windsurf', 'mcp_config.json')],
    ['Gemini CLI', join(home, '.gemini', 'settings.json')],
    ['Zed', join(home, '.config', 'zed', 'settings.json')],
  ]
}

const settingsFolder = (env: Env, home: string, platform: string): string => {
  if (platform === 'darwin') return join(home, 'Library', 'Application Support')
  if (platform === 'win32') return env['APPDATA'] ?? join(home, 'AppData', 'Roaming')
  return env['XDG_CONFIG_HOME'] || join(home, '.config')
}
