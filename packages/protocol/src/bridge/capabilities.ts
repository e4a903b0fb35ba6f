import { isRecord } from '../modern/envelope.js'
import { without } from './json.js'
import type { Json } from './json.js'

/** modernCapabilities says what a client declared at `initialize` as it must stand in every modern request. */
export const modernCapabilities = (capabilities: Json): Json => {
  const { roots, elicitation } = capabilities
  return {
    ...without(withoutTasks(capabilities), ['roots', 'elicitation']),
    ...(isRecord(roots) && { roots: {} }),
    ...(isRecord(elicitation) && { elicitation: withModes(elicitation) }),
  }
}

/** legacyCapabilities says what a modern client declared in a request as it must stand in an `initialize` on its behalf. */
export const legacyCapabilities = (capabilities: Json): Json => {
  const { roots } = capabilities
  const rest = withoutTasks(capabilities)
  // Nobody will tell of a change: the modern era has no such notification.
  return isRecord(roots) ? { ...rest, roots: without(roots, ['listChanged']) } : rest
}

/** isInteractive says whether a client can be asked for anything. */
export const isInteractive = (capabilities: Json): boolean =>
  ['elicitation', 'sampling', 'roots'].some((key) => isRecord(capabilities[key]))

/** withoutTasks leaves out tasks, of either side and either era: those of the eras have nothing but the name in common. */
export const withoutTasks = (capabilities: Json): Json => {
  const { extensions } = capabilities
  const rest = without(capabilities, ['tasks'])
  if (!isRecord(extensions) || !Object.hasOwn(extensions, tasksExtension)) return rest
  const others = without(extensions, [tasksExtension])
  if (Object.keys(others).length > 0) return { ...rest, extensions: others }
  return without(rest, ['extensions'])
}

/** withModes spells out what the bare `elicitation` of 2025-06-18, which knew no modes, has always meant. */
export const withModes = (elicitation: Json): Json =>
  Object.keys(elicitation).length > 0 ? elicitation : { form: {} }

const tasksExtension = 'io.modelcontextprotocol/tasks'
