import type { Session } from '@mcp-router/core'

/** ownedBy tells that this Instance drives the Session. */
export const ownedBy = (record: Session, instance: string): boolean =>
  record.epoch > 0 && record.instance === instance
