import { distance, nearest, readText, variableNames, type Env } from '@mcp-router/config'
import { complain } from './terminal.js'

const prefixes = /^(MCP|ROUTER|GATEWAY|ALLOWED|TRUSTED)_/

/** warnMisspelt tells of each of the misspeltVariables, a line each. */
export const warnMisspelt = (env: Env, serversFile: string): void => {
  for (const line of misspeltVariables(env, serversFile)) complain(line)
}

/** misspeltVariables name the variables that nothing reads and that are nearly those of the router. */
export const misspeltVariables = (env: Env, serversFile: string): readonly string[] => {
  const inFile = textOf(serversFile)
  return Object.keys(env)
    .filter((name) => env[name] && !variableNames.includes(name) && !inFile.includes(name))
    .flatMap((name) => {
      const meant = nearest(name, variableNames)
      if (meant === undefined || name.length < 6) return []
      const isMeant = env[meant] ? isSlip(name, meant) : isNear(name, meant)
      return isMeant ? [`mcp-router: the variable ${name} is not read; did you mean ${meant}?`] : []
    })
}

/** Who has set the right one as well may have the other one for another program. The scripts set some by themselves. */
const isSlip = (name: string, meant: string): boolean =>
  prefixes.test(name) && distance(name, meant) <= 2

/** A variable of another program may be near by chance. */
const isNear = (name: string, meant: string): boolean =>
  prefixes.test(name) || Math.abs(meant.length - name.length) <= 2

const textOf = (serversFile: string): string => {
  try {
    return readText(serversFile)
  } catch {
    // Whoever reads the servers file tells that.
    return ''
  }
}
