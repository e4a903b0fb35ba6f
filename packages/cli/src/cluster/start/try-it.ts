import { bearer } from '../../http.js'

/** routeCall is a call to try, as lines for a shell; a token is named, not shown. */
export const routeCall = (url: string, token: string | undefined): readonly string[] => [
  `curl ${url} \\`,
  `  -H 'content-type: application/json' \\`,
  ...Object.keys(bearer(token)).map((name) => `  -H "${name}: Bearer $ACCESS_TOKEN" \\`),
  `  -d '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'`,
]
