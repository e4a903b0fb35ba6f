import type { Backend } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { noteList } from '../catalog.js'
import type { ToolCatalog } from '../catalog.js'
import type { ModernChannel, ModernListener } from './channel.js'

/** notingLists is a channel whose answers to `tools/list` fill the catalog. */
export const notingLists = (
  channel: ModernChannel,
  backend: Backend,
  catalog: Pick<ToolCatalog, 'note'>,
): ModernChannel => ({
  request: (message, headers, listener) =>
    channel.request(
      message,
      headers,
      message.method === 'tools/list' ? noting(message, listener, backend, catalog) : listener,
    ),
  retire: () => channel.retire(),
  close: () => channel.close(),
})

const noting = (
  message: Message,
  listener: ModernListener,
  backend: Backend,
  catalog: Pick<ToolCatalog, 'note'>,
): ModernListener => ({
  onNotification: (notification) => listener.onNotification(notification),
  onResponse(response) {
    noteList(catalog, backend, message, response)
    listener.onResponse(response)
  },
  onFailed: (error) => listener.onFailed(error),
})
