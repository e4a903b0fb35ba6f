/** PageTask is where a page finds what it tries. */
export interface PageTask {
  /** The router, on another origin. */
  readonly base: string
  readonly server: string
}

/** PageReport is what came of each way, by its name. */
export type PageReport = Readonly<Record<string, string>>
