import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { root } from './tools.js'

interface EnvVar {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } }
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}

/** Container is what the tests read of the container of a Deployment. */
export interface Container {
  readonly env: readonly EnvVar[]
  readonly readinessProbe: Probe
  readonly livenessProbe: Probe
  readonly lifecycle: {
    readonly preStop: { readonly exec: { readonly command: readonly string[] } }
  }
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
}

/** Manifest is one document; its spec is looked into freely. */
export interface Manifest {
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly annotations?: Readonly<Record<string, string>>
  }
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- of every kind
  readonly spec: any
  readonly data?: Readonly<Record<string, string>>
}

export const manifestsFolder = join(root, 'deploy/kubernetes/manifests')
export const chartFolder = join(root, 'deploy/kubernetes/helm/mcp-router')

/** readManifests parses the text of several documents, as Kubernetes does: YAML 1.1. */
export const readManifests = (text: string): readonly Manifest[] =>
  parseAllDocuments(text, { version: '1.1', merge: true }).map((each) => each.toJS() as Manifest)

/** manifestOf is the one of a kind among the committed manifests; none is a mistake of the test. */
export const manifestOf = (kind: string): Manifest => {
  const text = readFileSync(join(manifestsFolder, 'mcp-router.yaml'), 'utf8')
  const found = readManifests(text).find((each) => each.kind === kind)
  if (found === undefined) throw new Error(`no ${kind} in mcp-router.yaml`)
  return found
}

/** Pod is where and what a pod is, as the fields that its environment refers to. */
export interface Pod {
  readonly name: string
  readonly ip: string
}

/** environmentOf is the environment of the container in a pod; `moved` puts paths and values of this machine in the place of the cluster's. */
export const environmentOf = (
  { env }: Container,
  pod: Pod,
  moved: (value: string) => string = (value) => value,
): Record<string, string> => {
  const fields: Readonly<Record<string, string>> = {
    'metadata.name': pod.name,
    'status.podIP': pod.ip,
  }
  return Object.fromEntries(
    env.map(({ name, value, valueFrom }) => [
      name,
      valueFrom === undefined ? moved(value ?? '') : fields[valueFrom.fieldRef.fieldPath]!,
    ]),
  )
}
