/** missing is the problem of what is not there at all. */
export const missing = 'missing'

/** Check is one line of the doctor's report. */
export interface Check {
  readonly what: string
  /** Undefined: it is well. */
  readonly problem?: string
  /** What is there: a version, a path. */
  readonly found?: string
  /** The exact thing to do. */
  readonly fix?: string
  /** The cluster runs without it. */
  readonly optional?: boolean
}
