import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { chartFolder, environmentOf, manifestOf, manifestsFolder } from './recipe/manifests.js'
import type { Container } from './recipe/manifests.js'
import { runProgram, startProgram } from './recipe/program.js'
import { findTool, itWith } from './recipe/tools.js'
import { expectTimeToDrain, expectVariables } from './recipe/variables.js'

const own = ['--set', 'secret.existing=mcp-router']

const template = (...args: readonly string[]): Promise<string> =>
  runProgram(findTool('helm')!, [
    ...['template', 'mcp-router', chartFolder, '--namespace', 'mcp-router'],
    ...['--kube-version', '1.30.0', ...args],
  ])

describe('the chart', () => {
  const variants: readonly (readonly [string, readonly string[]])[] = [
    ['mcp-router.yaml', own],
    [
      'gateway.yaml',
      [...own, '--set', 'gateway.enabled=true', '--show-only', 'templates/gateway.yaml'],
    ],
  ]
  for (const [file, args] of variants)
    itWith(['helm'], `${file} is what it renders (UPDATE_GOLDEN=1 writes it)`, async () => {
      const path = join(manifestsFolder, file)
      const text = await template(...args)
      if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, text)
      expect(readFileSync(path, 'utf8')).toBe(text)
    })

  itWith(
    ['helm', 'kube-check'],
    'renders documents that the types of Kubernetes take',
    async () => {
      const secrets = ['accessToken', 'clusterSecret', 'proxySecret']
      const all = [
        ...secrets.flatMap((name) => ['--set', `secret.${name}=0123456789abcdefghij`]),
        ...['--set', 'serviceMonitor.enabled=true', '--set', 'serviceMonitor.labels.release=x'],
        ...['--set', 'autoscaling.enabled=false', '--set', 'ingress.tlsSecret=tls'],
      ]
      const script = 'printf %s "$1" | "$0"'
      const kindsIn = async (...args: readonly string[]): Promise<readonly string[]> => {
        const said = await runProgram('sh', [
          '-c',
          script,
          findTool('kube-check')!,
          await template(...args),
        ])
        return said.trim().split('\n').sort()
      }
      const usual = ['ConfigMap', 'Deployment', 'NetworkPolicy', 'PodDisruptionBudget', 'Service']
      expect(await kindsIn(...own)).toEqual([...usual, 'HorizontalPodAutoscaler', 'Ingress'].sort())
      expect(await kindsIn(...all)).toEqual(
        [...usual, 'Ingress', 'Secret', 'ServiceMonitor'].sort(),
      )
      expect(await kindsIn(...own, '--set', 'gateway.enabled=true')).toContain('HTTPRoute')
    },
  )

  itWith(['helm'], 'asks for the secrets that it needs', async () => {
    const args = ['template', 'mcp-router', chartFolder, '--kube-version', '1.30.0']
    const rendering = startProgram(findTool('helm')!, args)
    expect(await rendering.ended).not.toBe(0)
    expect(rendering.output()).toContain('secret.accessToken: 16 random characters or more')
  })
})

describe('the manifests', () => {
  const deployment = manifestOf('Deployment').spec
  const pod = deployment.template.spec
  const container = pod.containers[0] as Container & { securityContext: object }
  const env = environmentOf(container, { name: 'mcp-router-5d8f-x1', ip: '10.0.0.7' })

  it('set variables of the router; a pod is an instance with its name and its address', () => {
    expectVariables(env)
    expect(env).toMatchObject({ INSTANCE_ID: 'mcp-router-5d8f-x1', HOST: '10.0.0.7' })
    expect(Number(env['PORT'])).toBe(container.ports[0]!.containerPort)
  })

  it('ask whether a pod takes work, and whether it is alive', () => {
    expect(container.readinessProbe.httpGet).toEqual({ path: '/ready', port: 'http' })
    expect(container.livenessProbe.httpGet).toEqual({ path: '/health', port: 'http' })
  })

  it('leave time to drain, once the Service has forgotten the pod', () => {
    const [sleep, seconds] = container.lifecycle.preStop.exec.command
    expect(sleep).toBe('sleep')
    expectTimeToDrain(pod.terminationGracePeriodSeconds - Number(seconds), env)
  })

  it('keep enough pods', () => {
    expect(deployment.strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 })
    expect(manifestOf('PodDisruptionBudget').spec.maxUnavailable).toBe(1)
    expect(manifestOf('HorizontalPodAutoscaler').spec.minReplicas).toBe(3)
  })

  it('select the pods by the labels that they have', () => {
    const { labels } = deployment.template.metadata
    const selectors = [
      deployment.selector.matchLabels,
      manifestOf('Service').spec.selector,
      manifestOf('PodDisruptionBudget').spec.selector.matchLabels,
      manifestOf('NetworkPolicy').spec.podSelector.matchLabels,
    ]
    for (const selector of selectors) expect(labels).toMatchObject(selector)
  })

  it('run the container with no right that it does not need', () => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 })
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
  })
})
