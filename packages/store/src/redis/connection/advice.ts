/** databaseProblem says that Redis refused SELECT: there is no such database, or the user may not use it. */
export const databaseProblem = (database: number | string, answer: string): string =>
  `database ${database} cannot be used: ${answer.replace(/\b(ERR|NOPERM)\s*/g, '')}`

/** databaseAdvice is what to do about such a problem; undefined: it is another one. */
export const databaseAdvice = (reason: string): string | undefined =>
  /^database \d+ cannot be used/.test(reason) ? 'correct the database in REDIS_URL' : undefined
