import { asBackendName, asSessionId } from '@mcp-router/core'
import type { EndpointId, InstanceId, Session } from '@mcp-router/core'
import type { SessionChange } from '../session-store.js'
import { countAt, fitting, textAt, timeAt, timeText, type Row } from './row.js'

const transportTypes = { http: 'STREAMABLE', sse: 'SSE' } as const

const downstreamOf = (transportType: string): Session['downstream'] | undefined => {
  if (transportType === transportTypes.http) return 'http'
  return transportType === transportTypes.sse ? 'sse' : undefined
}

const asTexts = (json: string): readonly string[] | undefined => {
  const value: unknown = JSON.parse(json)
  if (!Array.isArray(value)) return undefined
  return value.every((item) => typeof item === 'string') ? value : undefined
}

/** headerAt reads what goes into a header of requests; whoever writes into Redis must not write the rest of a request with it. */
const headerAt = (row: Row, field: string): string => {
  const text = textAt(row, field)
  return fitting(/^[\t\x20-\x7e\x80-\xff]{0,65536}$/.test(text) ? text : undefined, field)
}

/** None before it is agreed. */
const asRevision = (text: string): string | undefined =>
  /^(\d{4}-\d\d-\d\d)?$/.test(text) ? text : undefined

/** changeRow writes what may change; those fields have the names of their properties. */
export const changeRow = ({ subscriptions, ...texts }: SessionChange): Row =>
  subscriptions ? { ...texts, subscriptions: JSON.stringify(subscriptions) } : texts

export const sessionRow = (session: Session): Row => ({
  sessionId: session.id,
  instanceId: session.instance,
  serviceName: session.backend,
  backendSessionId: session.backendSessionId,
  ...(session.cookies && { cookies: session.cookies }),
  transportType: transportTypes[session.downstream],
  lastActive: timeText(session.lastActive),
  active: 'true',
  principal: session.principal,
  revision: session.revision,
  endpoint: session.endpoint,
  place: session.place,
  epoch: String(session.epoch),
  initialize: session.initialize,
  loggingLevel: session.loggingLevel,
  subscriptions: JSON.stringify(session.subscriptions),
})

/** readSession throws at a record that is not whole, or not active. */
export const readSession = (row: Row): Session => {
  fitting(row['active'] === 'true' || undefined, 'active')
  return {
    id: fitting(asSessionId(textAt(row, 'sessionId')), 'sessionId'),
    backend: fitting(asBackendName(textAt(row, 'serviceName')), 'serviceName'),
    principal: textAt(row, 'principal'),
    downstream: fitting(downstreamOf(textAt(row, 'transportType')), 'transportType'),
    // Brands without a shape of their own: Instances and Endpoints are named as the operator likes.
    instance: textAt(row, 'instanceId') as InstanceId,
    epoch: countAt(row, 'epoch'),
    endpoint: textAt(row, 'endpoint') as EndpointId,
    // A record of an earlier version has none.
    place: row['place'] ?? '',
    backendSessionId: headerAt(row, 'backendSessionId'),
    ...(row['cookies'] && { cookies: headerAt(row, 'cookies') }),
    revision: fitting(asRevision(textAt(row, 'revision')), 'revision'),
    initialize: textAt(row, 'initialize'),
    loggingLevel: textAt(row, 'loggingLevel'),
    subscriptions: fitting(asTexts(textAt(row, 'subscriptions')), 'subscriptions'),
    lastActive: timeAt(row, 'lastActive'),
  }
}
