import { expect, it } from 'vitest'
import { missingLines, mistakeLines } from './status-notes.js'
import type { Status } from './status.js'

const row = (process: string, more: Partial<Status> = {}): Status => ({
  ...{ process, pid: 7, port: 1, address: 'a', healthy: true, health: 'ok', uptimeMs: 1 },
  ...{ sessions: null, restarts: 0, lastExit: null, nextTryAt: null },
  ...more,
})
const down = { pid: null, healthy: false, health: 'not running' }

it('names the run directory and the command that starts the cluster where nothing runs', () => {
  expect(missingLines([row('router-1', down), row('nginx', down)], '/run')).toEqual([
    'nothing is running in /run (MCP_RUN_DIR); scripts/start-instances.sh start starts it',
  ])
})

it('names what does not run beside the rest, and the command that starts it', () => {
  const rows = [row('router-1'), row('router-2', down), row('nginx', down)]
  expect(missingLines(rows, '/run')).toEqual([
    'not running: router-2, nginx; scripts/start-instances.sh start starts that',
  ])
})

it('says nothing of what runs, is started soon, says so itself or is not ours', () => {
  const rows = [
    ...[row('router-1'), row('router-2', { healthy: false, health: '/ready answers 503' })],
    row('router-3', { ...down, nextTryAt: '2026-01-01T00:00:00Z' }),
    ...[row('supervisor', down), row('redis', { ...down, address: 'REDIS_URL' })],
    row('backend-1', { pid: null, health: 'ok (not ours)' }),
  ]
  expect(missingLines(rows, '/run')).toEqual([])
})

it('tells a mistake of the servers file apart from what the instances serve', () => {
  const served = { names: new Set(['a', 'b']), problems: [] }
  expect(mistakeLines('servers.yaml: no', served)).toEqual([
    'the running instances go on with the servers that they read before (a, b); the servers file as it is now has a mistake:',
    'servers.yaml: no',
  ])
  expect(mistakeLines('servers.yaml: no', undefined)).toEqual(['servers.yaml: no'])
})
