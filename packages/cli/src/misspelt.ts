import { nearest, readText, variableNames, type Env } from '@mcp-router/config'

const prefixes = /^(MCP|ROUTER|GATEWAY|ALLOWED|TRUSTED)_/

/** misspeltVariables name the variables that nothing reads and that are nearly those of the router. */
export const misspeltVariables = (env: Env, serversFile: string): readonly string[] => {
  const inFile = readText(serversFile)
  return Object.keys(env)
    .filter((name) => env[name] && !variableNames.includes(name) && !inFile.includes(name))
    .flatMap((name) => {
      const meant = nearest(name, variableNames)
      // A variable of another program may be near by chance.
      const isNear = meant !== undefined && Math.abs(meant.length - name.length) <= 2
      if (meant === undefined || env[meant] || name.length < 6) return []
      if (!prefixes.test(name) && !isNear) return []
      return [`the variable ${name} is not read; did you mean ${meant}?`]
    })
}
