/** CpuProfile is as much of V8's format as is read here; times are µs. */
export interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

interface CallFrame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}

/** selfTimes sums the time spent in functions themselves, by area and by function, over the last `seconds` of a profile. */
export const selfTimes = (profile: CpuProfile, seconds: number) => {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const byArea = new Map<string, number>()
  const byFunction = new Map<string, number>()
  let leftUs = seconds * 1e6
  for (let n = profile.samples.length - 1; n >= 0 && leftUs > 0; n -= 1) {
    const us = profile.timeDeltas[n] ?? 0
    const frame = frames.get(profile.samples[n] ?? 0)
    leftUs -= us
    if (!frame || frame.functionName === '(idle)') continue
    add(byArea, areaOf(frame), us)
    add(byFunction, `${frame.functionName || '(anonymous)'}  ${placeOf(frame)}`.trimEnd(), us)
  }
  return { byArea: shares(byArea), byFunction: shares(byFunction) }
}

/** areaOf is the package that a function belongs to, `node` for Node's own, or the name of what V8 and the system do. */
const areaOf = ({ url, functionName }: CallFrame): string => {
  if (url === '') return functionName || '(anonymous)'
  if (url.startsWith('node:')) return 'node'
  const dependency = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1]
  return dependency ?? /\/packages\/([^/]+)\//.exec(url)?.[1] ?? url
}

const placeOf = ({ url, lineNumber }: CallFrame): string =>
  url === '' ? '' : `${url.split('/').slice(-3).join('/')}:${lineNumber + 1}`

const add = (sums: Map<string, number>, name: string, us: number): void => {
  sums.set(name, (sums.get(name) ?? 0) + us)
}

/** shares is each name's part of the whole, the largest first. */
const shares = (sums: ReadonlyMap<string, number>): readonly (readonly [string, number])[] => {
  const whole = [...sums.values()].reduce((sum, us) => sum + us, 0)
  return [...sums].map(([name, us]) => [name, us / whole] as const).sort(([, a], [, b]) => b - a)
}
