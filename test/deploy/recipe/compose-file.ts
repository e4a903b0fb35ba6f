import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { root } from './tools.js'

/** Service is what the tests read of a service of the compose file. */
export interface Service {
  readonly image?: string
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly command?: string | readonly string[]
  readonly entrypoint?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly secrets?: readonly string[]
  readonly profiles?: readonly string[]
  readonly deploy?: { readonly replicas: number }
  readonly stop_grace_period?: string
  readonly stop_signal?: string
  readonly ports?: readonly string[]
}

interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
  readonly volumes: Readonly<Record<string, object>>
}

export const composeFolder = join(root, 'deploy/compose')
const text = readFileSync(join(composeFolder, 'compose.yaml'), 'utf8')

// As compose does: variables are filled in after YAML was read, so that an empty one is an empty text.
const read = JSON.stringify(parse(text, { merge: true }))

/** composeFile is the file with the defaults of its variables. */
export const composeFile = JSON.parse(read.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')) as ComposeFile

/** serviceOf is a service of the file; one that is not there is a mistake of the test. */
export const serviceOf = (name: string): Service => {
  const service = composeFile.services[name]
  if (service === undefined) throw new Error(`no service ${name}`)
  return service
}

/** Replacement is what stands for a name, a port or a path of the containers on this machine. */
export type Replacement = readonly [inContainer: string, here: string]

/** here puts what this machine has in the place of what containers have. */
export const here = (said: string, replacements: readonly Replacement[]): string =>
  replacements.reduce((text, [from, to]) => text.replaceAll(from, to), said)

/** wordsOf is a command as words. */
export const wordsOf = (command: Service['command'] = []): readonly string[] =>
  typeof command === 'string' ? command.split(' ') : command
