let isReading = true

// A reader may leave early (`… | head`). What the command does matters more than who listens: a
// start goes on to its end.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  isReading = false
})

/** say writes one line for the person or program at the other end. */
export const say = (line = ''): void => {
  if (isReading) process.stdout.write(`${line}\n`)
}

/** hasReader tells whether anyone still reads what is said. */
export const hasReader = (): boolean => isReading

/** complain writes one line about what went wrong, apart from what programs read. */
export const complain = (line: string): void => {
  process.stderr.write(`${line}\n`)
}
