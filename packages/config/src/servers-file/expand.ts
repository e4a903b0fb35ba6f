import { dirname, basename } from 'node:path'
import type { Env } from '../environment.js'

/** Expansion is a text with its variables replaced, and what could not be. */
export interface Expansion {
  readonly text: string
  readonly failures: readonly Failure[]
}

/** Failure is a reference that stays as it is: its variable is not set, it names none, or it is not closed (then `name` is undefined). */
export interface Failure {
  readonly match: string
  readonly name: string | undefined
  readonly isOpen?: boolean
  /** The input of VS Code that the variable stands for. */
  readonly input?: string
}

interface Surroundings {
  readonly env: Env
  /** Absolute path of the servers file. */
  readonly file: string
}

// ${NAME} and {env:NAME}; what follows `${` is read to its closing brace, which a default may hold itself.
const opening = /\$\$\{|\$\{|\{env:(\w+)\}|\$([A-Z_][A-Z0-9_]+)\b/g

/**
 * expand replaces the references to variables of all common MCP programs: `${NAME}`, `${NAME:-default}` with references in the default,
 * `${env:NAME}`, `{env:NAME}`, `$NAME` where it is set, `${input:id}` by the variable ID, and the places that editors know. `$${` is a plain `${`.
 */
export const expand = (text: string, around: Surroundings): Expansion => {
  const failures: Failure[] = []
  let done = ''
  let at = 0
  for (;;) {
    opening.lastIndex = at
    const found = opening.exec(text)
    if (!found) return { text: done + text.slice(at), failures }
    const [match, braced, bare] = found
    done += text.slice(at, found.index)
    at = found.index + match.length
    if (match === '$${') done += '${'
    else if (match === '${') {
      const end = closing(text, at)
      const whole = text.slice(found.index, end + 1)
      if (end === text.length) {
        failures.push({ match: whole, name: undefined, isOpen: true })
        return { text: done + whole, failures }
      }
      const inner = expandBraced(text.slice(at, end), whole, around)
      done += inner.text
      failures.push(...inner.failures)
      at = end + 1
    } else {
      const value = around.env[braced ?? bare ?? '']
      // A dollar sign in a password is no reference.
      const isMeant = braced !== undefined || match === text
      if (value === undefined && isMeant) failures.push({ match, name: braced ?? bare })
      done += value ?? match
    }
  }
}

const expandBraced = (inner: string, match: string, around: Surroundings): Expansion => {
  const place = placeOf(inner, around)
  if (place !== undefined) return { text: place, failures: [] }
  const [, kind, id = '', fallback] = /^(?:(env|input):)?([^:]+)(?::-([\s\S]*))?$/.exec(inner) ?? []
  // An editor asks for an input; here it is a variable.
  const name = kind === 'input' ? id.toUpperCase().replace(/[^A-Z0-9]+/g, '_') : id
  const failed = (failure: Failure): Expansion => ({ text: match, failures: [failure] })
  if (!/^[A-Za-z_]\w*$/.test(name)) return failed({ match, name: undefined })
  const value = around.env[name]
  // As in a shell: `:-` also stands in for an empty value.
  if (fallback !== undefined && (value ?? '') === '') return expand(fallback, around)
  if (value !== undefined) return { text: value, failures: [] }
  return failed({ match, name, ...(kind === 'input' && { input: id }) })
}

/** closing is where the brace that is open at `from` ends; the end of the text where it does not. */
const closing = (text: string, from: number): number => {
  let depth = 1
  for (let at = from; at < text.length; at++) {
    if (text[at] === '{') depth++
    if (text[at] === '}' && --depth === 0) return at
  }
  return text.length
}

const placeOf = (name: string, { env, file }: Surroundings): string | undefined => {
  const folder = dirname(file)
  // .vscode/mcp.json and its like are about the folder above.
  const workspace = basename(folder).startsWith('.') ? dirname(folder) : folder
  switch (name) {
    case 'workspaceFolder':
    case 'workspaceRoot':
      return workspace
    case 'workspaceFolderBasename':
      return basename(workspace)
    case 'userHome':
      return env['HOME'] ?? '/'
    case 'pathSeparator':
    case '/':
      return '/'
    default:
      return undefined
  }
}

/** variablesIn are the names that a text refers to in braces. */
export const variablesIn = (text: string): readonly string[] => [
  ...new Set(
    [...text.matchAll(/\{(?:env:)?([A-Za-z_]\w*)(?=:-|\})/g)].flatMap(([, name]) => name ?? []),
  ),
]
