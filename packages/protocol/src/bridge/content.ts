import { isRecord } from '../modern/envelope.js'
import type { Json } from './json.js'

/** legacyContent puts a block of content that a revision does not know into words. Other blocks are handed back as they are. */
export const legacyContent = (block: unknown, revision: string): unknown => {
  if (!isRecord(block)) return block
  if (block.type === 'resource_link' && revision < '2025-06-18') return worded(block, linkOf(block))
  if (block.type === 'audio' && revision < '2025-03-26') return worded(block, audioOf(block))
  return block
}

const worded = ({ annotations }: Json, text: string): Json => ({
  type: 'text',
  text,
  ...(isRecord(annotations) && { annotations }),
})

const linkOf = ({ uri, name, title, description, mimeType }: Json): string => {
  const label = [title, name].find(isText)
  const first = [label, isText(uri) && `<${uri}>`, isText(mimeType) && `(${mimeType})`]
  return [`Resource: ${first.filter(isText).join(' ')}`, description].filter(isText).join('\n')
}

const audioOf = ({ mimeType }: Json): string =>
  `[Audio${isText(mimeType) ? ` (${mimeType})` : ''}, which this revision of the protocol cannot carry]`

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
