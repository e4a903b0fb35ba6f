import { isAlive, isListening, processAt, treeOf } from '@mcp-router/testkit/process'
import type { Process } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import type { Cluster } from './cluster.js'
import { ask } from './http.js'

/** Member is one Instance of a cluster. */
export interface Member {
  readonly id: string
  /** Its place in `cluster.instances`. */
  readonly at: number
  readonly url: string
  readonly pid: number
}

/** memberAt is the Instance at this place, as it runs now. */
export const memberAt = (cluster: Cluster, at: number): Member => {
  const url = cluster.instances[at]
  const pid = url === undefined ? undefined : cluster.pids().get(`router-${new URL(url).port}`)
  if (url === undefined || pid === undefined) throw new Error(`no instance ${at}`)
  return { id: `router-instance-${at + 1}`, at, url, pid }
}

/** ownerOf is the Instance that a Session's record names. */
export const ownerOf = async (cluster: Cluster, session: string): Promise<Member> => {
  const id = await cluster.redis.hget(`mcp:sessions:${session}`, 'instanceId')
  const n = /^router-instance-(\d)$/.exec(id ?? '')?.[1]
  if (n === undefined) throw new Error(`session ${session} is at ${id}`)
  return memberAt(cluster, Number(n) - 1)
}

/** epochOf counts the owners that a Session has had; undefined: there is no such Session. */
export const epochOf = async (cluster: Cluster, session: string): Promise<number | undefined> => {
  const epoch = await cluster.redis.hget(`mcp:sessions:${session}`, 'epoch')
  return epoch === null ? undefined : Number(epoch)
}

/** killMember ends an Instance without warning and resolves once its port refuses; its children, which it gives, follow by themselves. */
export const killMember = async ({ pid, url }: Member): Promise<readonly Process[]> => {
  const [, ...children] = treeOf([pid])
  process.kill(pid, 'SIGKILL')
  await until('its port to refuse', async () => !(await isListening(Number(new URL(url).port))))
  return children
}

/** killProcess ends any process and resolves once it is gone. */
export const killProcess = async (pid: number): Promise<void> => {
  const victim = processAt(pid)
  if (!victim) throw new Error(`no process ${pid}`)
  process.kill(pid, 'SIGKILL')
  await until('the end of the process', () => !isAlive(victim))
}

/** membersAreBack resolves once all Instances know each other, and Nginx, which spares one that failed for some seconds, asks them all. */
export const membersAreBack = async ({ gateway, instances }: Cluster): Promise<void> => {
  const asked = new Set<string>()
  await until('every instance to be asked again', async () => {
    const status = (await ask(`${gateway}/api/status`)).json()
    if (status.instances.length === instances.length) asked.add(status.instance.id)
    return asked.size === instances.length
  })
}
