/** serverProblemText says what a problem of a server's entry costs the server; the problem may name the server, too. */
export const serverProblemText = (name: string, effect: string, problem: string): string =>
  `server "${name}" ${effect}: ${problem.replace(`server "${name}": `, '')}`
