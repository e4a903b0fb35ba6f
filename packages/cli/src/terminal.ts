/** say writes one line for the person or program at the other end. */
export const say = (line = ''): void => {
  process.stdout.write(`${line}\n`)
}

/** complain writes one line about what went wrong, apart from what programs read. */
export const complain = (line: string): void => {
  process.stderr.write(`${line}\n`)
}
