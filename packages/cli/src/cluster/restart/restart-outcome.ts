/** restartOutcome says how many Instances were replaced, and how many did not run before. */
export const restartOutcome = (restarted: number, started: number): string => {
  if (started === 0) return `restarted ${instances(restarted)}`
  const those = `started ${instances(started)} that did not run`
  return restarted === 0 ? those : `restarted ${instances(restarted)} and ${those}`
}

const instances = (count: number): string => (count === 1 ? 'one instance' : `${count} instances`)
