import { Failure } from '../../failure.js'
import { clusterCommand, isCheckout } from '../../command-name.js'

/** RestartOptions say which losses of a restart are meant. */
export interface RestartOptions {
  /** A cluster with an access token goes on without one. */
  readonly removeToken: boolean
  /** It goes on with another Redis, and without its sessions. */
  readonly otherRedis: boolean
  /** It goes on without servers that this shell cannot start it with. */
  readonly leaveOut: boolean
}

/** Loss is what a restart takes from the running cluster because this shell lacks it. */
export interface Loss {
  /** What says that it is meant. */
  readonly option: keyof RestartOptions
  readonly what: string
  /** What keeps it: `set ACCESS_TOKEN as before`. */
  readonly asBefore: string
  /** `go on without one` */
  readonly goOn: string
  /** It cannot be meant for one process alone: the cluster would be split. */
  readonly isOfAll?: boolean
}

const flags: Readonly<Record<keyof RestartOptions, string>> = {
  removeToken: '--remove-token',
  otherRedis: '--other-redis',
  leaveOut: '--leave-out',
}

/** requireNoLoss throws where a restart would lose what no option of it says is meant. */
export const requireNoLoss = (
  losses: readonly Loss[],
  port: number | undefined,
  options: RestartOptions,
): void => {
  const lines = losses
    .filter(({ option, isOfAll = false }) => !options[option] || (isOfAll && port !== undefined))
    .map(({ option, what, asBefore, goOn, isOfAll = false }) => {
      const at = port === undefined || isOfAll ? [] : [port]
      const isNeeded = (each: string): boolean => each === option || isGiven(options, each)
      const meant = Object.entries(flags).flatMap(([each, flag]) => (isNeeded(each) ? [flag] : []))
      const words = [...at, ...meant].join(' ')
      // npm keeps a flag for itself unless it stands behind "--".
      return `${what}; nothing was changed: ${asBefore}, or ${goOn}: ${clusterCommand} restart ${words}${isCheckout ? ` (npm restart -- ${words})` : ''}`
    })
  if (lines.length > 0) throw new Failure(lines.join('\n'))
}

const isGiven = (options: RestartOptions, option: string): boolean =>
  Object.entries(options).some(([name, given]) => name === option && given === true)
