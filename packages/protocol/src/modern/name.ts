/** MirroredName is the member of `params` that `Mcp-Name` repeats; no value where the body has none, or no string. */
export interface MirroredName {
  readonly member: string
  readonly value: string | undefined
}

/**
 * mirroredName says what `Mcp-Name` of a request must be (2026-07-28, Streamable HTTP §Standard Request Headers; tasks: SEP-2663).
 * Undefined: this method has no such header.
 */
export const mirroredName = (
  method: string,
  params: Readonly<Record<string, unknown>>,
): MirroredName | undefined => {
  const member = members.get(method)
  if (member === undefined) return undefined
  const value = Object.hasOwn(params, member) ? params[member] : undefined
  return { member, value: typeof value === 'string' ? value : undefined }
}

/** namedMember is the member of `params` that says what a request is about; undefined: it has none. */
export const namedMember = (method: string): string | undefined =>
  members.get(method) ?? (method.startsWith('resources/') ? 'uri' : undefined)

const members: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
])
